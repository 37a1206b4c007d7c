import type { ServingPlan } from "../plan/serving-plan.ts";
import type { Manifest } from "./manifest.ts";
import { onEveryServer, stackLabels } from "./names.ts";

/**
 * v0.20.0 of NVIDIA's device plugin. The digest is the one that NVIDIA pins for it in its GPU Operator, tag v26.7.0
 * (`device-plugin-image` in bundle/manifests/gpu-operator-certified.clusterserviceversion.yaml, the version in
 * deployments/gpu-operator/values.yaml).
 */
export const NVIDIA_DEVICE_PLUGIN =
  "nvcr.io/nvidia/k8s-device-plugin:v0.20.0@sha256:a61ba9fd8efb82f3a79f877f7580e02c1e8e7593f62473644bc9c79e315c3312";

const NAME = "nvidia-device-plugin";
const SOCKETS = "/var/lib/kubelet/device-plugins";

/**
 * NVIDIA's device plugin, by which a server offers its GPUs to Kubernetes as `nvidia.com/gpu`. Nobody else installs it in
 * a cluster that Tandem makes; in one that is there already it is the owner's, and a local stack has the emulator's.
 * As NVIDIA's own `deployments/static/nvidia-device-plugin.yml` of v0.20.0 has it, except that it runs on the stack's own
 * servers and with no Kubernetes token.
 */
export function devicePlugin(plan: ServingPlan): Manifest[] {
  const { provision } = plan.spec;
  if (provision.kind !== "ssh" || provision.devicePlugin === "none") return [];
  const labels = { "app.kubernetes.io/name": NAME, ...stackLabels(plan) };
  return [
    {
      apiVersion: "apps/v1",
      kind: "DaemonSet",
      metadata: { name: NAME, namespace: plan.namespace, labels },
      spec: {
        selector: { matchLabels: labels },
        // One server after the other: a plugin that is away takes no GPU from a pod that runs, and no new one can start.
        updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } },
        template: {
          metadata: { labels },
          spec: {
            automountServiceAccountToken: false,
            enableServiceLinks: false,
            priorityClassName: "system-node-critical",
            nodeSelector: onEveryServer(plan),
            tolerations: [{ operator: "Exists" }],
            containers: [
              {
                name: "device-plugin",
                image: provision.devicePlugin ?? NVIDIA_DEVICE_PLUGIN,
                imagePullPolicy: "IfNotPresent",
                resources: { requests: { cpu: "10m", memory: "64Mi" }, limits: { memory: "256Mi" } },
                securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
                volumeMounts: [{ name: "device-plugins", mountPath: SOCKETS }],
              },
            ],
            volumes: [{ name: "device-plugins", hostPath: { path: SOCKETS, type: "Directory" } }],
          },
        },
      },
    },
  ];
}
