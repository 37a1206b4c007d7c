import * as pulumi from "@pulumi/pulumi";
import type { Manifest } from "../../manifests/manifest.ts";
import { BMC_SECRET, stackLabels } from "../../manifests/names.ts";
import type { ServingPlan } from "../../plan/serving-plan.ts";
import type { BmcCredentials } from "../stack/bmc-credentials.ts";

/** The BMCs' users and passwords as one Secret, marked so that Pulumi encrypts them; null for a spec that names none. */
export function bmcSecret(
  plan: ServingPlan,
  bmcs: Readonly<Record<string, BmcCredentials>>,
): { named: Manifest; manifest: pulumi.Input<Manifest> } | null {
  if (Object.keys(bmcs).length === 0) return null;
  const named: Manifest = {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: BMC_SECRET, namespace: plan.namespace, labels: stackLabels(plan) },
    type: "Opaque",
  };
  const secret = (text: string) => pulumi.secret(Buffer.from(text).toString("base64"));
  const data = Object.entries(bmcs).flatMap(([server, { user, password, ca, fingerprint }]) => [
    [`${server}.user`, secret(user)],
    [`${server}.password`, secret(password)],
    ...(ca === undefined ? [] : [[`${server}.ca`, secret(ca)]]),
    ...(fingerprint === undefined ? [] : [[`${server}.sha256`, secret(fingerprint)]]),
  ]);
  return { named, manifest: { ...named, data: Object.fromEntries(data) } as unknown as pulumi.Input<Manifest> };
}
