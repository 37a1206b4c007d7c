import type { Manifest } from "../manifests/manifest.ts";
import type { ServingPlan } from "../plan/serving-plan.ts";
import { EMULATOR_IMAGE } from "../spec/schema-engine.ts";

const NAME = "tandem-gpu-emulator";
const NAMESPACE = "kube-system";

const hostPath = (name: string, path: string, type: string) => ({ name, hostPath: { path, type } });

/** What a cluster of emulated GPU servers needs and real servers do not: the device plugin of their eight GPUs. */
export function emulatorManifests(plan: ServingPlan): Manifest[] {
  const labels = {
    "app.kubernetes.io/name": NAME,
    "app.kubernetes.io/part-of": "tandem",
    "tandem.dev/stack": plan.name,
  };
  const weights = [plan.model.weightsPath, plan.spec.failover.degraded?.weights ?? []].flat();
  const container = {
    name: "device-plugin",
    image: EMULATOR_IMAGE,
    // In no registry: nodes import the archive.
    imagePullPolicy: "Never",
    command: ["python3", "-m", "tandem.device_plugin"],
    resources: { requests: { cpu: "5m", memory: "48Mi" }, limits: { memory: "128Mi" } },
    volumeMounts: [
      { name: "device-plugins", mountPath: "/var/lib/kubelet/device-plugins" },
      { name: "run", mountPath: "/run/tandem" },
      { name: "machine", mountPath: "/etc/tandem", readOnly: true },
      { name: "kernel-log", mountPath: "/dev/kmsg", readOnly: true },
      // Mounted only because kubelet makes no folder for a volume that nobody mounts.
      ...weights.map((_path, at) => ({ name: `weights-${at}`, mountPath: `/run/weights/${at}`, readOnly: true })),
    ],
  };
  return [
    {
      apiVersion: "apps/v1",
      kind: "DaemonSet",
      metadata: { name: NAME, namespace: NAMESPACE, labels },
      spec: {
        selector: { matchLabels: { "app.kubernetes.io/name": NAME } },
        updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: "100%", maxSurge: 0 } },
        template: {
          metadata: { labels },
          spec: {
            automountServiceAccountToken: false,
            priorityClassName: "system-node-critical",
            terminationGracePeriodSeconds: 2,
            affinity: { nodeAffinity: onWorkers },
            tolerations: [{ operator: "Exists" }],
            containers: [container],
            volumes: [
              hostPath("device-plugins", "/var/lib/kubelet/device-plugins", "Directory"),
              hostPath("run", "/run/tandem", "DirectoryOrCreate"),
              hostPath("machine", "/etc/tandem", "Directory"),
              hostPath("kernel-log", "/dev/kmsg", ""),
              // The engine's pod insists on the folder with the checkpoint; an emulated server has an empty one.
              ...weights.map((path, at) => hostPath(`weights-${at}`, path, "DirectoryOrCreate")),
            ],
          },
        },
      },
    },
  ];
}

const onWorkers = {
  requiredDuringSchedulingIgnoredDuringExecution: {
    nodeSelectorTerms: [
      { matchExpressions: [{ key: "node-role.kubernetes.io/control-plane", operator: "DoesNotExist" }] },
    ],
  },
};
