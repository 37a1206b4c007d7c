import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Manifest } from "../../src/manifests/manifest.ts";
import { modelServiceDefinition } from "../../src/manifests/model-service/crd.ts";
import { leaderWorkerSetOf } from "../../src/manifests/model-service/leader-worker-set.ts";
import { modelService } from "../../src/manifests/model-service/model-service.ts";
import { CONDITIONS, type ModelServiceStatus } from "../../src/manifests/model-service/resource.ts";
import type { ServingPlan } from "../../src/plan/serving-plan.ts";
import { planned } from "../plan/good-spec.ts";
import { STACKS, stackPlan } from "../support/stacks.ts";
import { schemaProblems } from "./schemas/check.ts";

const at = "2026-11-24T14:00:00.000Z";
/** Every field of the type, so that the compiler and the schema check each other. */
const status: Required<ModelServiceStatus> = {
  observedGeneration: 3,
  active: "a",
  standby: null,
  epoch: 7,
  redundancy: "1/2 groups",
  groups: [
    {
      id: "a",
      role: "active",
      servers: ["gpu-a", "gpu-b"],
      run: "serving",
      since: at,
      verdict: "healthy",
      reason: "",
      revision: "0a1b2c3d",
      failedRevision: "4e5f6071",
    },
  ],
  servers: [
    {
      name: "gpu-c",
      group: null,
      verdict: "blind",
      reason: "not heard for 4 s",
      quarantine: { since: at, remedy: "failover-reboot", reason: "gpu-c is silent" },
      fence: { fenced: false, reason: "its power is not known" },
    },
  ],
  decision: { kind: "wait", reason: "fencing", detail: "gpu-c", since: at, until: at, fix: "cut its power" },
  moves: [{ at, from: "b", to: "a", epoch: 7, why: "adopt", reason: "every gateway uses a", drill: "x" }],
  takeover: { ready: false, reasons: ["b loads"], rungs: [{ name: "weights", ok: false, provenAt: null, detail: "" }] },
  handledRequest: { id: "1", outcome: "refused", detail: "b cannot take over", at },
  conditions: CONDITIONS.map((type) => ({
    type,
    status: "False" as const,
    reason: "GroupLost",
    message: "one group of two",
    lastTransitionTime: at,
    observedGeneration: 3,
  })),
};
const withStatus = (now: object): Manifest => ({ ...modelService(stackPlan("example")), status: now });

describe("the definition and the types are one", () => {
  const asked = {
    pause: { by: "anna", at, reason: "rack work" },
    request: { id: "1", kind: "drain", target: "gpu-a", by: "anna", at },
  };

  test("a status with every field, and a spec with what people add, are taken", () => {
    const full = withStatus(status);
    expect(schemaProblems({ ...full, spec: { ...(full.spec as object), ...asked } })).toEqual([]);
  });

  test("what is null may be missing: a merge patch stores it so", () => {
    const { standby: _1, ...rest } = status;
    const servers = status.servers.map(({ group: _2, ...server }) => server);
    expect(schemaProblems(withStatus({ ...rest, servers }))).toEqual([]);
  });

  test("no field of the schema is unknown to the types", () => {
    type Node = { properties?: Record<string, Node>; items?: Node; type?: string };
    const [version] = (modelServiceDefinition().spec as { versions: { schema: { openAPIV3Schema: Node } }[] }).versions;
    const missing = (schema: Node, value: unknown, path: string): string[] => {
      if (schema.items) return missing(schema.items, (value as unknown[])[0], `${path}[]`);
      return Object.entries(schema.properties ?? {}).flatMap(([key, field]) => {
        const inner = (value as Record<string, unknown>)[key];
        if (inner === undefined) return [`${path}.${key}`];
        return inner === null ? [] : missing(field, inner, `${path}.${key}`);
      });
    };
    const { spec } = modelService(stackPlan("example"));
    const { spec: specSchema, status: statusSchema } = version?.schema.openAPIV3Schema.properties ?? {};
    expect(missing(statusSchema ?? {}, status, "status")).toEqual([]);
    expect(missing(specSchema ?? {}, { ...spec, ...asked }, "spec")).toEqual([]);
  });

  test.each([
    ["an epoch as a text", { epoch: "7" }, /epoch: must be integer/],
    ["an epoch of nothing", { epoch: 0 }, /epoch: must be >= 1/],
    ["a field nobody knows", { phase: "Ready" }, /additional.*phase/],
    ["a verdict that does not exist", { groups: [{ ...status.groups[0], verdict: "fine" }] }, /allowed values/],
    ["two groups of one name", { groups: [status.groups[0], status.groups[0]] }, /list-map-keys/],
    ["a time of day", { decision: { ...status.decision, since: "14:00" } }, /format "date-time"/],
    ["a condition without a reason", { conditions: [{ ...status.conditions[0], reason: "" }] }, /pattern/],
  ])("refused: %s", (_name, change, expected) => {
    expect(schemaProblems(withStatus({ ...status, ...change })).join("\n")).toMatch(expected);
  });
});

describe("a group's LeaderWorkerSet", () => {
  const service = modelService(stackPlan("example"));

  test.each(STACKS)("%s: is whole, and differs from its sister's in name and group alone", (name) => {
    const plan = stackPlan(name);
    const sets = Object.keys(plan.groups).map((id) => leaderWorkerSetOf(modelService(plan), id));
    expect(sets.flatMap(schemaProblems)).toEqual([]);
    const neutral = sets.map((set) =>
      JSON.stringify(set).replaceAll(/"tandem.dev\/group":"[^"]+"|"name":"sglang-[^"]+"/g, ""),
    );
    expect(new Set(neutral).size).toBe(1);
  });

  test("read from the cluster, the ModelService owns it and waits for it when it goes", () => {
    expect(leaderWorkerSetOf(service, "a").metadata).not.toHaveProperty("ownerReferences");
    const live = { ...service, metadata: { ...service.metadata, uid: "u-1" } };
    expect(leaderWorkerSetOf(live, "a").metadata).toMatchObject({
      ownerReferences: [
        { kind: "ModelService", name: "example", uid: "u-1", controller: true, blockOwnerDeletion: true },
      ],
    });
  });

  test("stopped, it keeps everything but its pods", () => {
    const [on, off] = [leaderWorkerSetOf(service, "b"), leaderWorkerSetOf(service, "b", 0)];
    expect(off).toEqual({ ...on, spec: { ...(on.spec as object), replicas: 0 } });
  });

  test("labels that somebody put on the ModelService do not restart a group", () => {
    const labelled = {
      ...service,
      metadata: { ...service.metadata, labels: { ...service.metadata.labels, team: "x" } },
    };
    expect(leaderWorkerSetOf(labelled, "a")).toEqual(leaderWorkerSetOf(service, "a"));
  });

  test("there is none of a group that does not exist", () => {
    expect(() => leaderWorkerSetOf(service, "c")).toThrow("has no group c");
  });
});

describe("the revision", () => {
  const revision = (plan: ServingPlan) => modelService(plan).spec.revision;
  const plan = planned();

  test.each([
    ["another image", { "engine.image": `lmsysorg/sglang:v0.5.23@sha256:${"0b".repeat(32)}` }],
    ["another flag", { "engine.extraArgs": ["--stream-interval", "4"] }],
    ["another model", { "model.weights": "/models/other" }],
    ["another context", { "model.contextLength": 32768 }],
  ])("%s is another revision", (_name, change) => {
    expect(revision(planned(change))).not.toBe(revision(plan));
  });

  test.each([
    ["a spare more", { "servers.gpu-e": { address: "10.0.0.15" }, spares: ["gpu-e"] }],
    ["more failovers an hour", { "failover.maxPerHour": 3 }],
    ["a policy for one code", { "failover.xids": { 94: "failover-reset" } }],
  ])("%s is not: no group restarts for it", (_name, change) => {
    expect(revision(planned(change))).toBe(revision(plan));
  });

  test("it does not depend on the order in which the spec lists servers and groups", () => {
    const names = Object.keys(plan.groups);
    fc.assert(
      fc.property(fc.shuffledSubarray(names, { minLength: names.length }), (order) => {
        const groups = Object.fromEntries(order.map((id) => [id, plan.groups[id]])) as ServingPlan["groups"];
        expect(JSON.stringify(modelService({ ...plan, groups }))).toBe(JSON.stringify(modelService(plan)));
      }),
    );
  });
});

test("a BMC is named where the spec has one", () => {
  const bmcs = (name: string) => Object.values(modelService(stackPlan(name)).spec.servers).map(({ bmc }) => bmc?.url);
  expect(bmcs("example")[0]).toBe("https://10.0.9.11");
  expect(bmcs("local")[0]).toBe("https://10.231.0.21");
  expect(bmcs("spare").filter(Boolean)).toEqual([]);
});
