import { readFileSync } from "node:fs";
import { parse } from "yaml";
import type { Manifest } from "../../manifests/manifest.ts";

interface PodSpec {
  nodeSelector?: Record<string, string>;
  tolerations?: object[];
  containers: {
    name: string;
    imagePullPolicy?: string;
    resources?: { requests?: Record<string, string> };
    readinessProbe?: object;
  }[];
}

/**
 * LeaderWorkerSet's install manifests as released, with our five changes: one replica (two would only wait for each
 * other's lease), a twentieth of a core instead of one, on the control plane's server, never from a registry if the
 * server has the image, and asked each second whether it is ready (the released probe looks every ten, which is how long
 * every first start would be idle). The five seconds before that stay: becoming ready is what makes the kubelet look at
 * the pod again and bring it the certificate that it has written meanwhile. What repairs groups must not run on a server that can fail with one.
 */
export function lwsManifests(): Manifest[] {
  const text = readFileSync(new URL("../data/lws-v0.9.0.yaml", import.meta.url), "utf8");
  const documents = text.split(/^---\n/m);
  // The two definitions are one line of JSON each: as YAML they cost half a second of every update.
  const manifests = documents.map((one) => (one.startsWith("{") ? JSON.parse(one) : parse(one)) as Manifest);
  return manifests.map((manifest) => (manifest.kind === "Deployment" ? onControlPlane(manifest) : manifest));
}

function onControlPlane(deployment: Manifest): Manifest {
  const result = structuredClone(deployment);
  const spec = result.spec as { replicas: number; template: { spec: PodSpec } };
  spec.replicas = 1;
  const pod = spec.template.spec;
  const role = "node-role.kubernetes.io/control-plane";
  pod.nodeSelector = { ...pod.nodeSelector, [role]: "" };
  pod.tolerations = [{ key: role, operator: "Exists", effect: "NoSchedule" }];
  for (const container of pod.containers) {
    container.imagePullPolicy = "IfNotPresent";
    container.resources = { ...container.resources, requests: { cpu: "50m", memory: "64Mi" } };
    if (container.readinessProbe !== undefined)
      container.readinessProbe = { ...container.readinessProbe, periodSeconds: 1 };
  }
  return result;
}
