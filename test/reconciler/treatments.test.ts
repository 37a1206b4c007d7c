import { expect, test } from "vitest";
import { DEFAULT_HEALTH_RULES } from "../../src/health/rules.ts";
import { serverVerdict } from "../../src/health/server-verdict.ts";
import type { LiveObject } from "../../src/kube/objects.ts";
import { LAST_TREATMENT, QUARANTINE, type QuarantineRecord } from "../../src/manifests/model-service/resource.ts";
import type { Knowledge } from "../../src/reconciler/observe/knowledge.ts";
import { observeServer } from "../../src/reconciler/observe/observe-server.ts";
import { withTreatments } from "../../src/reconciler/observe/treatments.ts";
import type { Workload } from "../../src/reconciler/observe/workload.ts";
import { gpus, play, xid } from "../health/support.ts";

const WALL_MS = Date.parse("2026-01-01T00:00:00Z");
const AT_MS = 60_000;
const moment = { monoMs: AT_MS, wallMs: WALL_MS };
const ago = (ms: number) => new Date(WALL_MS - ms).toISOString();

function nodeWith(annotations: Record<string, string>): LiveObject {
  const status = { conditions: [{ type: "Ready", status: "True" }] };
  return { apiVersion: "v1", kind: "Node", metadata: { name: "gpu-a", annotations }, status };
}

function noteOf(agoMs: number, after: { bootId: string; sequence: number }): string {
  return JSON.stringify({ remedy: "failover-reset", at: ago(agoMs), after });
}

/** A server whose kernel log tells, from before this observer listened, of a fault that wants a reset. */
const told = play("gpu-a", [
  [AT_MS - 20_000, xid(95)],
  [AT_MS - 100, gpus()],
  [AT_MS - 10, "beat"],
]);

test.each([
  ["a fault that nothing was done about", {}, "suspect"],
  [
    "the same after a reset that a reconciler before this one made",
    { [LAST_TREATMENT]: JSON.stringify({ remedy: "failover-reset", at: ago(5_000) }) },
    "healthy",
  ],
  [
    "a new fault after an older reset",
    { [LAST_TREATMENT]: JSON.stringify({ remedy: "failover-reset", at: ago(30_000) }) },
    "suspect",
  ],
  ["a note that nobody can read", { [LAST_TREATMENT]: "{" }, "suspect"],
  [
    "the same after a reset that a computer whose clock is far behind made",
    { [LAST_TREATMENT]: noteOf(186_000, { bootId: "boot-1", sequence: 1 }) },
    "healthy",
  ],
  [
    "a new fault after a reset that a computer whose clock is ahead made",
    { [LAST_TREATMENT]: noteOf(-186_000, { bootId: "boot-1", sequence: 0 }) },
    "suspect",
  ],
  [
    "a fault of this boot after a reset in the boot before",
    { [LAST_TREATMENT]: noteOf(-186_000, { bootId: "boot-0", sequence: 9 }) },
    "suspect",
  ],
])("%s: %s is %s", (_, annotations, state) => {
  const evidence = new Map([["gpu-a", told]]);
  const known = withTreatments(
    { evidence, moment, treatments: new Map() },
    "gpu-a",
    nodeWith(annotations),
    undefined,
    undefined,
  );
  expect(serverVerdict(known, AT_MS).state).toBe(state);
});

test.each([
  ["heard with the boot id that was told to end", { bootId: "boot-1" }, { done: false, tries: 1 }],
  ["heard with another one", { bootId: "boot-0", tries: 2 }, { done: true, tries: 2 }],
  ["nothing was heard of it when it was told to boot", {}, { done: true, tries: 1 }],
])("a boot shows: %s", (_, noted, seen) => {
  const treated = { remedy: "failover-reboot" as const, at: ago(5_000), ...noted };
  const record: QuarantineRecord = { since: ago(9_000), remedy: "failover-reboot", reason: "", bootId: null, treated };
  const node = nodeWith({ [QUARANTINE]: JSON.stringify(record) });
  const well = play("gpu-a", [
    [AT_MS - 100, gpus()],
    [AT_MS - 10, "beat"],
  ]);
  const knowledge = {
    moment,
    cluster: { nodes: new Map([["gpu-a", node]]), service: { spec: { servers: {} } } },
    listeningSinceMs: 0,
    witnesses: new Map(),
    power: new Map(),
    bmcAway: new Set(),
    isolations: new Map(),
    treatments: new Map(),
    powerOffs: new Map(),
    validations: new Map(),
    runs: new Map(),
    previous: { servers: new Map(), groups: new Map() },
  } as unknown as Knowledge;
  const { server } = observeServer("gpu-a", knowledge, well, undefined, DEFAULT_HEALTH_RULES);
  expect(server.treated).toMatchObject({ remedy: "failover-reboot", ...seen });
});

test.each([
  ["of no group", undefined, []],
  ["of a stopped group", { run: "stopped" }, []],
  ["of a group that runs", { run: "serving" }, ["xid-31"]],
] as const)("what a process did wrong is over where none runs any more: on a server %s", (_, workload, codes) => {
  const evidence = new Map([["gpu-a", play("gpu-a", [[AT_MS - 20_000, xid(31)]])]]);
  const known = { evidence, moment, treatments: new Map() };
  const found = withTreatments(known, "gpu-a", nodeWith({}), workload as Workload | undefined, undefined);
  expect(serverVerdict(found, AT_MS).findings.map(({ code }) => code)).toEqual(codes);
});
