import fc from "fast-check";
import { expect, test } from "vitest";
import { DEFAULT_RULES, incidentsOf, type Sighting } from "../../src/health/incidents.ts";
import type { GpuLogLine } from "../../src/health/kernel-line.ts";
import { REMEDIES, type Remedy } from "../../src/health/remedy.ts";

const line = (code: number): GpuLogLine => ({
  kind: "xid",
  code,
  pci: "0000:0b:00",
  text: "",
  sequence: code,
  uptimeUs: 0,
});
const verdict = (action: "none" | "gpu-reset" | "node-reboot"): GpuLogLine => ({
  kind: "recovery-action",
  action,
  pci: "0000:0b:00",
  text: "",
  sequence: 1,
  uptimeUs: 0,
});
const seen = (atMs: number, what: GpuLogLine): Sighting => ({ server: "gpu-a", atMs, line: what });
const minute = 60_000;

test.each([
  {
    when: "a pack of lines",
    sightings: [seen(0, line(63)), seen(100, line(48)), seen(200, line(45))],
    then: [{ remedy: "failover-reset", sinceMs: 100, codes: [63, 48, 45] }],
  },
  {
    when: "the driver asks for a reboot first",
    sightings: [seen(0, verdict("node-reboot")), seen(10, line(48))],
    then: [{ remedy: "failover-reboot" }],
  },
  {
    when: "the driver asks for a reset last",
    sightings: [seen(0, line(79)), seen(10, verdict("gpu-reset"))],
    then: [{ remedy: "failover-reset" }],
  },
  {
    when: "the driver says none",
    sightings: [seen(0, line(79)), seen(10, verdict("none"))],
    then: [{ remedy: "failover-reboot" }],
  },
  { when: "only noise", sightings: [seen(0, line(45)), seen(1, line(106))], then: [] },
  { when: "a first software crash", sightings: [seen(0, line(13))], then: [{ remedy: "restart-group" }] },
  {
    when: "the same GPU crashes again an hour later",
    sightings: [seen(0, line(13)), seen(60 * minute, line(31))],
    then: [{ remedy: "restart-group" }, { remedy: "failover-reset" }],
  },
  {
    when: "it crashes again two days later",
    sightings: [seen(0, line(13)), seen(2 * 1440 * minute, line(13))],
    then: [{ remedy: "restart-group" }, { remedy: "restart-group" }],
  },
  {
    when: "another server crashes",
    sightings: [seen(0, line(13)), { ...seen(60 * minute, line(13)), server: "gpu-b" }],
    then: [{ remedy: "restart-group" }, { remedy: "restart-group" }],
  },
] as const)("$when", ({ sightings, then }) => {
  const incidents = incidentsOf(sightings);
  expect(incidents).toHaveLength(then.length);
  expect(incidents).toMatchObject(then);
});

test.each<{ when: string; sightings: Sighting[]; then: readonly Remedy[] }>([
  { when: "a verdict alone", sightings: [seen(0, verdict("node-reboot"))], then: ["watch"] },
  {
    when: "a verdict with a fault that has a class",
    sightings: [seen(0, line(79)), seen(10, verdict("gpu-reset"))],
    then: ["failover-reboot"],
  },
  { when: "the all-clear", sightings: [seen(0, verdict("none"))], then: [] },
])("the spec's word on XID 154 is about the verdict alone: $when", ({ sightings, then }) => {
  const rules = { ...DEFAULT_RULES, overrides: { 154: "watch" as const } };
  expect(incidentsOf(sightings, rules).map(({ remedy }) => remedy)).toEqual(then);
});

test("the order of arrival does not matter, and a pack never asks for less when a line is added", () => {
  const code = fc.constantFrom(13, 31, 43, 45, 48, 63, 64, 74, 79, 92, 94, 95, 109, 119, 137);
  const sightings = fc.array(
    fc.tuple(fc.nat(170_000), code).map(([atMs, xid]) => seen(atMs, line(xid))),
    { minLength: 1, maxLength: 12 },
  );
  fc.assert(
    fc.property(sightings, fc.nat(), (all, turn) => {
      const at = turn % all.length;
      const rotated = [...all.slice(at), ...all.slice(0, at)];
      const strip = (list: readonly Sighting[]) =>
        incidentsOf(list).map(({ sinceMs, remedy }) => ({ sinceMs, remedy }));
      expect(strip(rotated)).toEqual(strip(all));
      const most = (list: readonly Sighting[]) =>
        Math.max(-1, ...incidentsOf(list, DEFAULT_RULES).map(({ remedy }) => REMEDIES.indexOf(remedy)));
      expect(most([...all, seen(160_000, line(48))])).toBeGreaterThanOrEqual(most(all));
    }),
  );
});
