import { enginePodTemplate } from "../../../src/manifests/engine-pod.ts";
import type { Manifest } from "../../../src/manifests/manifest.ts";
import type { ServingPlan } from "../../../src/plan/serving-plan.ts";

export const NAMESPACE = "plain-lws";
/** Of both groups' pods; with `role: leader` it is what the Service looks for. */
export const APP = { app: "sglang" } as const;
export const SERVICE = "sglang-leader";
export const SETS = ["sglang-a", "sglang-b"] as const;
/** Where clients come in, on any server; from the range that Kubernetes keeps for it. */
export const NODE_PORT = 31_500;

/**
 * The readiness probe of LeaderWorkerSet's own SGLang example (kubernetes-sigs/lws, docs/examples/sglang/lws.yaml), and like
 * there the only probe: ready is a leader whose port is open. What is not said is Kubernetes' default.
 */
const READINESS = { tcpSocket: { port: "http" }, initialDelaySeconds: 15, periodSeconds: 10 } as const;

interface PodTemplate {
  spec: { containers: [Container]; hostNetwork: boolean; dnsPolicy: string; volumes: object[] };
}

type Container = Record<
  "name" | "image" | "imagePullPolicy" | "command" | "args" | "ports" | "volumeMounts",
  unknown
> & {
  env: { name: string; value: string }[];
  resources: unknown;
  securityContext: unknown;
};

/**
 * Two groups of two servers as somebody makes them who follows the documentation: LeaderWorkerSets, a Service before both
 * leaders, and nobody who looks after them. Command line, image and volumes of the engine are those of Tandem; probes,
 * tolerations, grace, the process that is PID 1 and the restart policy are those of the example. Pure.
 *
 * @param env of the emulated engines, beside that of the plan
 */
export function plainManifests(plan: ServingPlan, env: Readonly<Record<string, string>>): Manifest[] {
  return [
    {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: NAMESPACE, labels: { "pod-security.kubernetes.io/enforce": "privileged" } },
    },
    ...SETS.map((name) => leaderWorkerSet(plan, name, env)),
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: SERVICE, namespace: NAMESPACE },
      spec: {
        type: "NodePort",
        selector: { ...APP, role: "leader" },
        ports: [{ protocol: "TCP", port: plan.ports.http, targetPort: "http", nodePort: NODE_PORT }],
      },
    },
  ];
}

function leaderWorkerSet(plan: ServingPlan, name: string, env: Readonly<Record<string, string>>): Manifest {
  return {
    apiVersion: "leaderworkerset.x-k8s.io/v1",
    kind: "LeaderWorkerSet",
    metadata: { name, namespace: NAMESPACE },
    spec: {
      replicas: 1,
      leaderWorkerTemplate: {
        size: plan.serversPerGroup,
        restartPolicy: "RecreateGroupOnPodRestart",
        leaderTemplate: { metadata: { labels: { ...APP, role: "leader" } }, spec: pod(plan, "leader", env) },
        workerTemplate: { metadata: { labels: { ...APP, role: "worker" } }, spec: pod(plan, "worker", env) },
      },
    },
  };
}

function pod(plan: ServingPlan, role: "leader" | "worker", more: Readonly<Record<string, string>>): object {
  const { spec } = enginePodTemplate(plan, role) as PodTemplate;
  const { name, image, imagePullPolicy, command, args, env, ports, resources, securityContext, volumeMounts } =
    spec.containers[0];
  const added = Object.entries(more).map(([key, value]) => ({ name: key, value }));
  return {
    hostNetwork: spec.hostNetwork,
    dnsPolicy: spec.dnsPolicy,
    containers: [
      {
        ...{ name, image, imagePullPolicy, command, args, ports, resources, securityContext, volumeMounts },
        env: [...env, ...added],
        ...(role === "leader" ? { readinessProbe: READINESS } : {}),
      },
    ],
    volumes: spec.volumes,
  };
}
