import { expect, test } from "vitest";
import { pinImage } from "../../../src/infra/program/pin-image.ts";
import type { Manifest } from "../../../src/manifests/manifest.ts";

const workload = (kind: string, image: string): Manifest => ({
  apiVersion: "apps/v1",
  kind,
  metadata: { name: "agent" },
  spec: { template: { metadata: { annotations: { kept: "yes" } }, spec: { containers: [{ image }] } } },
});
const images = [
  { references: ["tandem.local/tandem:dev"], path: "/a", sha256: "a".repeat(64), on: ["gpu" as const] },
  { references: ["registry.k8s.io/pause:1"], path: "/b", sha256: "b".repeat(64), on: ["gpu" as const] },
];
const annotationsOf = (manifest: Manifest) =>
  (manifest.spec as { template: { metadata: { annotations: object } } }).template.metadata.annotations;

test("the pods of a daemon carry the content of our own image", () => {
  const daemon = workload("DaemonSet", "tandem.local/tandem:dev");
  expect(annotationsOf(pinImage(daemon, images))).toEqual({ kept: "yes", "tandem.dev/image": "a".repeat(16) });
  expect(annotationsOf(daemon), "the manifest itself is not changed").toEqual({ kept: "yes" });
});

test("so do those of the reconciler", () => {
  const deployment = workload("Deployment", "tandem.local/tandem:dev");
  expect(annotationsOf(pinImage(deployment, images))).toMatchObject({ "tandem.dev/image": "a".repeat(16) });
});

test.each([
  ["an image with a version of its own", workload("DaemonSet", "registry.k8s.io/pause:1"), images],
  [
    "an engine, which restarts only when the other group serves",
    workload("LeaderWorkerSet", "tandem.local/tandem:dev"),
    images,
  ],
  ["a preview that knows no images", workload("DaemonSet", "tandem.local/tandem:dev"), undefined],
])("left alone: %s", (_name, manifest, known) => {
  expect(pinImage(manifest, known)).toEqual(manifest);
});
