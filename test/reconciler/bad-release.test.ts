import { afterAll, beforeAll, expect, test } from "vitest";
import {
  releaseAsBefore,
  releaseBadly,
  releaseReached,
  type ServiceAt,
  withSlip,
} from "../../src/drill/cluster/bad-release.ts";
import { type KubeClient, kubeClient } from "../../src/kube/client.ts";
import { paths, Stage } from "./stage.ts";

let stage: Stage;
let client: KubeClient;
let at: ServiceAt;
beforeAll(async () => {
  stage = await Stage.open();
  client = kubeClient(stage.api.kubeconfig("drill"));
  at = { client, path: paths.service };
  stage.reconciler("r1");
  await stage.until("both groups serve", () => stage.condition("Redundant") === "True");
}, 60_000);
afterAll(async () => {
  await client.close();
  await stage.close();
});

test("a bad release reaches the standby first, and what was released before comes back, whoever puts it back", async () => {
  const { template, revision: before } = structuredClone(stage.service.spec);
  const bad = await releaseBadly(at);
  expect(JSON.stringify(stage.service.spec.template)).toContain("--no-such-flag-drill");
  await expect(releaseBadly(at)).rejects.toThrow("out already");
  expect(await releaseReached(at, bad, 20_000)).toBe(true);
  expect(stage.service.status).toMatchObject({ active: "a" });
  expect(stage.service.status?.groups.find(({ id }) => id === "a")?.revision).toBe(before);
  // As after a crash: nothing but the object says what was there before.
  await releaseAsBefore(at);
  expect(stage.service.spec).toMatchObject({ template, revision: before });
  expect(stage.service.metadata.annotations ?? {}).toEqual({});
  await releaseAsBefore(at);
  expect(await releaseReached(at, "never-released", 50)).toBe(false);
});

test("only arguments get the slip", () => {
  const pod = { containers: [{ image: "x", args: ["--tp", "16"] }], volumes: [] };
  expect(withSlip({ a: pod })).toEqual({
    a: { containers: [{ image: "x", args: ["--tp", "16", "--no-such-flag-drill"] }], volumes: [] },
  });
});
