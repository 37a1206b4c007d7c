import { createHash } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import type { Manifest } from "../../manifests/manifest.ts";
import { ACCESS_SECRET, stackLabels } from "../../manifests/names.ts";
import type { ServingPlan } from "../../plan/serving-plan.ts";
import type { StackSecrets } from "../stack/stack-secrets.ts";

/** Keys and tokens of the stack as one Secret. Its values are marked, so that Pulumi encrypts them and prints none. */
export function accessSecret(
  plan: ServingPlan,
  secrets: StackSecrets | undefined,
): { named: Manifest; manifest: pulumi.Input<Manifest> } {
  const named: Manifest = {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: ACCESS_SECRET, namespace: plan.namespace, labels: stackLabels(plan) },
    type: "Opaque",
  };
  const data = Object.entries(secrets === undefined ? {} : valuesOf(secrets)).map(
    ([name, value]) => [name, pulumi.secret(Buffer.from(value).toString("base64"))] as const,
  );
  const known = secrets === undefined ? pulumi.unknown : Object.fromEntries(data);
  return { named, manifest: { ...named, data: known } as unknown as pulumi.Input<Manifest> };
}

/** Keys of clients and people are in the cluster by their hashes alone: whoever compares needs no more. */
function valuesOf(secrets: StackSecrets): Record<string, string> {
  const hash = (key: string) => createHash("sha256").update(key).digest("hex");
  const people = [
    { name: "operator", role: "operator", key: secrets["dashboard-key"] },
    { name: "viewer", role: "viewer", key: secrets["dashboard-view-key"] },
  ].filter(({ key }) => key !== "");
  return {
    "agent-token": secrets["agent-token"],
    "admin-token": secrets["admin-token"],
    "keys.json": `${JSON.stringify([{ name: "default", sha256: hash(secrets["api-key"]) }])}\n`,
    "dashboard-keys.json": `${JSON.stringify(people.map(({ name, role, key }) => ({ name, role, sha256: hash(key) })))}\n`,
  };
}
