import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { emulatorManifests } from "../../src/emulator/manifests.ts";
import type { Manifest } from "../../src/manifests/manifest.ts";
import { renderGroups, renderManifests } from "../../src/manifests/render.ts";
import { planOf, randomSpec, usualExtraArgs } from "../conformity/random-spec.ts";
import { STACKS, stackPlan } from "../support/stacks.ts";
import { schemaProblems } from "./schemas/check.ts";

const problemsOf = (manifests: readonly Manifest[]) =>
  manifests.flatMap((manifest) =>
    schemaProblems(manifest).map((text) => `${manifest.kind} ${manifest.metadata.name} ${text}`),
  );

describe("Kubernetes 1.36 and LeaderWorkerSet v0.9 take every object", () => {
  test.each(STACKS)("%s", (name) => {
    const plan = stackPlan(name);
    expect(problemsOf([...renderManifests(plan), ...renderGroups(plan), ...emulatorManifests(plan)])).toEqual([]);
  });

  test("objects of random specs", () => {
    const plans = fc
      .sample(randomSpec(usualExtraArgs), { numRuns: 300, seed: 20261124 })
      .flatMap((spec) => planOf(spec) ?? []);
    expect(plans.length).toBeGreaterThan(50);
    for (const plan of plans) expect(problemsOf([...renderManifests(plan), ...renderGroups(plan)])).toEqual([]);
  });

  test.each(STACKS)("%s: names, labels and ports have the form that the API server checks besides", (name) => {
    for (const manifest of [...renderManifests(stackPlan(name)), ...renderGroups(stackPlan(name))]) {
      const { kind, metadata } = manifest;
      // A Service name begins with a letter (DNS-1035), a LeaderWorkerSet name becomes one; a definition is called
      // by its plural and its group.
      const forms: Record<string, RegExp> = {
        Service: /^[a-z][-a-z0-9]*[a-z0-9]$/,
        LeaderWorkerSet: /^[a-z][-a-z0-9]*[a-z0-9]$/,
        CustomResourceDefinition: /^[a-z]+\.tandem\.dev$/,
      };
      expect(metadata.name, kind).toMatch(forms[kind] ?? /^[a-z0-9][-a-z0-9]*$/);
      // LeaderWorkerSet appends -0-15 and a revision hash of ten characters to what becomes a label value.
      expect(metadata.name.length, kind).toBeLessThanOrEqual(63 - (kind === "LeaderWorkerSet" ? 16 : 0));
      for (const [key, value] of Object.entries(metadata.labels ?? {})) {
        expect(key).toMatch(/^([a-z0-9.-]+\/)?[a-z0-9][-a-z0-9_.]*$/);
        expect(value).toMatch(/^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/);
      }
      for (const port of portNames(manifest)) expect(port).toMatch(/^(?=.*[a-z])[a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?$/);
    }
  });
});

describe("the check can fail", () => {
  const rendered = [...renderManifests(stackPlan("example")), ...renderGroups(stackPlan("example"))];
  const pod = ["spec", "leaderWorkerTemplate", "workerTemplate", "spec"];
  const cases: [string, string, (string | number)[], unknown, RegExp][] = [
    [
      "an unknown field deep in a pod",
      "LeaderWorkerSet",
      [...pod, "hostNetworking"],
      true,
      /additional.*hostNetworking/,
    ],
    ["an unknown field of a group", "LeaderWorkerSet", ["spec", "startPolicy"], "LeaderCreated", /startPolicy/],
    ["a start-up policy that does not exist", "LeaderWorkerSet", ["spec", "startupPolicy"], "Leader", /allowed values/],
    ["a number as a text", "LeaderWorkerSet", ["spec", "replicas"], "1", /integer/],
    ["a variable that is no text", "LeaderWorkerSet", [...pod, "containers", 0, "env", 0, "value"], 1, /string/],
    [
      "a quantity that is none",
      "LeaderWorkerSet",
      [...pod, "containers", 0, "resources", "limits", "memory"],
      "1 GB",
      /pattern/,
    ],
    [
      "a number too large",
      "LeaderWorkerSet",
      [...pod, "containers", 0, "startupProbe", "failureThreshold"],
      2 ** 31,
      /<=/,
    ],
    [
      "two variables of one name",
      "LeaderWorkerSet",
      [...pod, "containers", 0, "env", 1, "name"],
      "GLOO_SOCKET_IFNAME",
      /list-map-keys/,
    ],
    ["an unknown field of a DaemonSet", "DaemonSet", ["spec", "replicas"], 1, /replicas/],
    ["a rule without verbs", "Role", ["spec"], {}, /additional/],
    ["an unknown label place", "Namespace", ["metadata", "label"], {}, /label/],
    ["no selector", "DaemonSet", ["spec", "selector"], undefined, /required property 'selector'/],
    ["an object of a kind that has no schema here", "Namespace", ["kind"], "Pod", /no schema of v1\/Pod/],
  ];
  test.each(cases)("%s", (_name, kind, path, value, expected) => {
    const good = rendered.find((manifest) => manifest.kind === kind);
    const broken = JSON.parse(JSON.stringify(good)) as Manifest;
    const last = path.at(-1) ?? "";
    const parent = path.slice(0, -1).reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], broken);
    (parent as Record<string, unknown>)[last] = value;
    expect(schemaProblems(broken).join("\n")).toMatch(expected);
  });
});

function portNames(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(portNames);
  if (value === null || typeof value !== "object") return [];
  return Object.entries(value).flatMap(([key, child]) =>
    key === "ports" && Array.isArray(child) ? child.flatMap(({ name }) => name ?? []) : portNames(child),
  );
}
