import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { toolsDir } from "../../../src/machines/home.ts";
import { LWS_MANIFESTS, lwsModule, renderLwsManifests } from "../../../tools/lws/render.ts";

const committed = readFileSync(LWS_MANIFESTS, "utf8");
const kubernetes = join(toolsDir(), "kubernetes-1.36.3", "kubernetes");
const module = await lwsModule();

describe("the committed manifests of LeaderWorkerSet", () => {
  test("name the image that nodes have, one replica, and every kind that the controller needs", () => {
    const objects = parseAllDocuments(committed).map((document) => document.toJSON());
    const deployment = objects.find(({ kind }) => kind === "Deployment");
    expect(deployment.spec.replicas).toBe(1);
    const [container] = deployment.spec.template.spec.containers;
    expect(container.image).toBe("registry.k8s.io/lws/lws:v0.9.0");
    expect(container.resources).toEqual({ requests: { cpu: "20m", memory: "64Mi" } });
    const definitions = objects.filter(({ kind }) => kind === "CustomResourceDefinition");
    expect(definitions.map(({ spec }) => spec.names.kind)).toEqual(["DisaggregatedSet", "LeaderWorkerSet"]);
    expect(objects.map(({ kind }) => kind)).toContain("MutatingWebhookConfiguration");
  });

  test.skipIf(module === undefined || !existsSync(kubernetes))(
    "are what kustomize makes of the module",
    async () => {
      const folder = mkdtempSync(join(tmpdir(), "tandem-kubectl-"));
      try {
        const kubectl = join(folder, "kubectl");
        symlinkSync(kubernetes, kubectl);
        expect(await renderLwsManifests(kubectl, module ?? "")).toBe(committed);
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
    120_000,
  );
});
