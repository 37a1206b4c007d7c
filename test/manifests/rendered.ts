import type { Manifest } from "../../src/manifests/manifest.ts";
import { renderGroups, renderManifests } from "../../src/manifests/render.ts";
import type { ServingPlan } from "../../src/plan/serving-plan.ts";
import { STACKS, stackPlan } from "../support/stacks.ts";

export interface Container {
  name: string;
  image: string;
  command: string[];
  args: string[];
  env: { name: string; value: string }[];
  ports: { name: string; containerPort: number; hostPort?: number }[];
  resources: { requests: Record<string, string>; limits: Record<string, string> };
  securityContext: { privileged?: boolean; capabilities?: { add?: string[] } };
  lifecycle?: { preStop?: { sleep?: { seconds: number } } };
  startupProbe?: Probe;
  readinessProbe?: Probe;
  livenessProbe?: Probe;
  volumeMounts: { name: string; mountPath: string; readOnly?: boolean }[];
}

export interface Probe {
  httpGet?: { path: string; port: string };
  exec?: { command: string[] };
  periodSeconds: number;
  failureThreshold: number;
  timeoutSeconds: number;
}

export interface PodSpec {
  hostNetwork: boolean;
  hostIPC?: boolean;
  hostPID?: boolean;
  dnsPolicy: string;
  restartPolicy: string;
  terminationGracePeriodSeconds: number;
  nodeSelector: Record<string, string>;
  tolerations: { key?: string; operator: string; effect?: string; tolerationSeconds?: number }[];
  initContainers?: Container[];
  containers: Container[];
  volumes: {
    name: string;
    emptyDir?: { medium: string; sizeLimit: string };
    hostPath?: { path: string; type: string };
  }[];
}

interface Template {
  metadata: { labels: Record<string, string> };
  spec: PodSpec;
}

export interface EnginePod {
  role: "leader" | "worker";
  group: string;
  labels: Record<string, string>;
  pod: PodSpec;
  container: Container;
  /** The command line from `python3` on. */
  words: string[];
  env: Record<string, string>;
}

export interface LeaderWorkerSetSpec {
  replicas: number;
  startupPolicy: string;
  rolloutStrategy: { rollingUpdateConfiguration: { maxSurge: number } };
  leaderWorkerTemplate: { size: number; restartPolicy: string; leaderTemplate: Template; workerTemplate: Template };
}

/** All stacks, each with its plan: what holds must hold for every one. */
export const PLANS: [string, ServingPlan][] = STACKS.map((name) => [name, stackPlan(name)]);

/** Of what is applied, and of what the reconciler makes of it. */
export function ofKind(plan: ServingPlan, kind: string): Manifest[] {
  return [...renderManifests(plan), ...renderGroups(plan)].filter((manifest) => manifest.kind === kind);
}

export function leaderWorkerSets(plan: ServingPlan): { manifest: Manifest; spec: LeaderWorkerSetSpec }[] {
  return ofKind(plan, "LeaderWorkerSet").map((manifest) => ({ manifest, spec: manifest.spec as LeaderWorkerSetSpec }));
}

/** Leader and worker of every group, as Kubernetes is given them. */
export function enginePods(plan: ServingPlan): EnginePod[] {
  return leaderWorkerSets(plan).flatMap(({ manifest, spec }) => {
    const { leaderTemplate, workerTemplate } = spec.leaderWorkerTemplate;
    return (
      [
        ["leader", leaderTemplate],
        ["worker", workerTemplate],
      ] as const
    ).map(([role, { metadata, spec }]) => {
      const container = spec.containers[0] as Container;
      return {
        role,
        group: manifest.metadata.labels?.["tandem.dev/group"] ?? "",
        labels: metadata.labels,
        pod: spec,
        container,
        words: [...container.command, ...container.args],
        env: Object.fromEntries(container.env.map(({ name, value }) => [name, value])),
      };
    });
  });
}

/** Values of a flag; undefined where it is not on the line. Fails on a flag that is there twice. */
export function argumentOf(words: readonly string[], flag: string): string | undefined {
  const at = words.indexOf(flag);
  if (at !== words.lastIndexOf(flag)) throw new Error(`${flag} is there twice`);
  return at < 0 ? undefined : words[at + 1];
}

export const flagsOf = (words: readonly string[]) => words.filter((word) => word.startsWith("--"));

/** Every engine pod of every stack, with its plan. */
export const everyPod = PLANS.flatMap(([name, plan]) =>
  enginePods(plan).map((pod) => ({ ...pod, plan, name: `${name}/${pod.group}/${pod.role}` })),
);
