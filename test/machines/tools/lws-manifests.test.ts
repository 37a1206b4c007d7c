import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { LWS_MANIFESTS } from "../../../tools/lws/render.ts";

const committed = readFileSync(LWS_MANIFESTS, "utf8");

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
});
