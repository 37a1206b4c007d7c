import { expect, test } from "vitest";
import { connectionTo, isAway } from "../../../src/infra/resources/cluster-link.ts";
import { drifted } from "../../../src/infra/resources/drift.ts";
import { assertOurs, isOurs } from "../../../src/infra/resources/owner.ts";
import { takeOver } from "../../../src/infra/resources/paths.ts";
import { packManifest, unpackManifest } from "../../../src/infra/wire/manifest-text.ts";
import type { LiveObject } from "../../../src/kube/objects.ts";

const set = (replicas: number) => ({
  apiVersion: "leaderworkerset.x-k8s.io/v1",
  kind: "LeaderWorkerSet",
  metadata: { name: "sglang-a", namespace: "tandem-local" },
  spec: { replicas, size: 2 },
});

test("what the reconciler moves keeps its live value, everything else is ours", () => {
  const wanted = { ...set(1), spec: { replicas: 1, size: 3 } };
  expect(takeOver(wanted, set(0), ["spec.replicas"]).spec).toEqual({ replicas: 0, size: 3 });
  expect(wanted.spec.replicas, "the manifest itself is not changed").toBe(1);
});

test.each([
  ["a field that the live object lacks", set(1), { spec: {} }, ["spec.replicas"]],
  ["a path that nobody has", set(1), set(0), ["spec.template.replicas"]],
  ["no path", set(1), set(0), []],
])("takeOver leaves alone: %s", (_name, manifest, live, paths) => {
  expect(takeOver(manifest, live, paths)).toEqual(manifest);
});

test("a value that the API server writes in another form is no drift", () => {
  const manifest = { spec: { cpu: "1000m", name: "x" } };
  const stored = { spec: { cpu: "1", name: "x", added: "by a default" }, metadata: { resourceVersion: "7" } };
  expect(drifted(manifest, stored, { ...stored, metadata: { resourceVersion: "8" } })).toEqual(manifest);
});

test("drift shows the live values, and what was taken out is missing", () => {
  const manifest = { spec: { replicas: 1, image: "a" }, metadata: { labels: { ours: "yes" } } };
  const live = { spec: { replicas: 5, image: "a" }, metadata: { labels: { theirs: "yes" } } };
  const dryRun = { spec: { replicas: 1, image: "a" }, metadata: { labels: { ours: "yes", theirs: "yes" } } };
  expect(drifted(manifest, live, dryRun)).toEqual({ spec: { replicas: 5, image: "a" }, metadata: { labels: {} } });
});

test("an object is ours if the API server says that we wrote to it", () => {
  const object = (...managers: string[]): LiveObject => ({
    ...set(1),
    metadata: { name: "sglang-a", managedFields: managers.map((manager) => ({ manager })) },
  });
  expect(isOurs(object("kubelet", "tandem-local"), "tandem-local")).toBe(true);
  expect(isOurs(object("tandem-other"), "tandem-local")).toBe(false);
  expect(() => assertOurs(object("helm", "kubectl"), "tandem-local")).toThrow(
    /sglang-a exists and is not ours: its fields were written by helm, kubectl.*E_OBJECT_FOREIGN/s,
  );
});

test.each([
  ["a short one is readable JSON", 1, /^\{"apiVersion/],
  ["a long one is packed", 2_000, /^gzip:/],
])("%s, and comes back as it was", (_name, servers, form) => {
  const manifest = { ...set(1), servers: Array.from({ length: servers }, (_, at) => ({ name: `gpu-${at}` })) };
  const text = packManifest(manifest);
  expect(text).toMatch(form);
  expect(unpackManifest(text)).toEqual(manifest);
  expect(packManifest(manifest), "the same text each time: another one would be a change").toBe(text);
});

test("without its kubeconfig nothing is known of a cluster, and the error says what to do", () => {
  const error = (() => {
    try {
      return connectionTo({ kubeconfigFile: "/nonexistent/kubeconfig" });
    } catch (caught) {
      return caught;
    }
  })();
  expect(String(error)).toMatch(/kubeconfig cannot be read.*pulumi refresh.*E_KUBECONFIG/s);
  expect(isAway(error)).toBe(true);
});
