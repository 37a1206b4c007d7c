import { readFileSync } from "node:fs";
import { parse, stringify } from "yaml";
import type { Manifest } from "../../manifests/manifest.ts";

const CONFIG = "lws-manager-config";

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
 * LeaderWorkerSet's install manifests as released, with our six changes: one replica (two would only wait for each
 * other's lease), without a lease of its own (one that cannot renew it ends itself, so that an API server that was away for ten
 * seconds cost the restart of what admits every change of a group, with kubelet's pauses before it), a twentieth of a core instead of one, on the control plane's server, never from a registry if the
 * server has the image, and asked each second whether it is ready (the released probe looks every ten, which is how long
 * every first start would be idle). The five seconds before that stay: becoming ready is what makes the kubelet look at
 * the pod again and bring it the certificate that it has written meanwhile. What repairs groups must not run on a server that can fail with one.
 */
export function lwsManifests(): Manifest[] {
  const text = readFileSync(new URL("../data/lws-v0.9.0.yaml", import.meta.url), "utf8");
  const documents = text.split(/^---\n/m);
  // The two definitions are one line of JSON each: as YAML they cost half a second of every update.
  const manifests = documents.map((one) => (one.startsWith("{") ? JSON.parse(one) : parse(one)) as Manifest);
  return manifests.map((manifest) => {
    if (manifest.kind === "Deployment") return onControlPlane(manifest);
    return manifest.metadata.name === CONFIG ? withoutLease(manifest) : manifest;
  });
}

function withoutLease(config: Manifest): Manifest {
  const data = Object.entries(config.data as Record<string, string>).map(([file, text]) => {
    const settings = parse(text) as { leaderElection: object };
    return [file, stringify({ ...settings, leaderElection: { leaderElect: false } })];
  });
  return { ...config, data: Object.fromEntries(data) };
}

function onControlPlane(deployment: Manifest): Manifest {
  const result = structuredClone(deployment);
  const spec = result.spec as { replicas: number; strategy?: object; template: { spec: PodSpec } };
  spec.replicas = 1;
  // The old one goes before the new one comes: nothing else keeps two from acting at once.
  spec.strategy = { type: "RollingUpdate", rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } };
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
