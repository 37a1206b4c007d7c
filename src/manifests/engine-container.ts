import type { ServingPlan } from "../plan/serving-plan.ts";
import { engineProbes } from "./engine-probes.ts";
import { engineVolumes } from "./engine-volumes.ts";
import { cpuQuantity, gibQuantity } from "./quantity.ts";

export type EngineRole = "leader" | "worker";

/** Seconds between "no new requests, please" (the leader leaves its Service) and SIGTERM. */
const LEAVE_SERVICE_SECONDS = 5;

/** The one container of an engine pod: all eight ranks of a server run in it, as SGLang starts them. */
export function engineContainer(plan: ServingPlan, role: EngineRole): object {
  const [program, ...args] = plan.launch[role].args;
  const resources = engineResources(plan);
  return {
    name: "sglang",
    image: plan.image,
    // The image is pinned by digest and pulled ahead; a registry that is away must not stop a restart.
    imagePullPolicy: "IfNotPresent",
    command: [program],
    args: args.map(literalText),
    env: Object.entries(plan.env).map(([name, value]) => ({ name, value: literalText(value) })),
    ports: enginePorts(plan),
    resources: { requests: resources, limits: resources },
    securityContext: engineSecurity(plan),
    // SGLang goes on taking requests after SIGTERM, so the leader leaves routing first (facts: no handler looks at it).
    ...(role === "leader" ? { lifecycle: { preStop: { sleep: { seconds: LEAVE_SERVICE_SECONDS } } } } : {}),
    ...engineProbes(plan, role),
    volumeMounts: engineVolumes(plan).map(({ mount }) => mount),
  };
}

/** Kubernetes reads `$(NAME)` and `$$` in a container's texts. Only what LeaderWorkerSet injects is meant to be read. */
function literalText(text: string): string {
  return text.replaceAll(/\$(?!\((?:LWS_WORKER_INDEX|LWS_LEADER_ADDRESS)\))/g, "$$$$");
}

// IPC_LOCK lets the NIC pin memory. A container may open /dev/infiniband only if a device plugin gave it the devices, or
// if it is privileged, which the spec has to ask for in so many words.
function engineSecurity(plan: ServingPlan): object {
  const { kind, resource, privileged } = plan.spec.network.rdma;
  if (kind !== "none" && resource === undefined && privileged === true) return { privileged: true };
  return { allowPrivilegeEscalation: false, capabilities: { add: ["IPC_LOCK"] } };
}

// Equal requests and limits make the pod Guaranteed: it is the last to be evicted, and pinned cores stay possible.
function engineResources(plan: ServingPlan): Record<string, string> {
  const { cpu, memoryGiB } = plan.spec.engine.resources;
  const { kind, resource } = plan.spec.network.rdma;
  return {
    cpu: cpuQuantity(cpu),
    memory: gibQuantity(memoryGiB),
    "nvidia.com/gpu": String(plan.gpusPerServer),
    ...(kind === "none" || resource === undefined ? {} : { [resource]: "1" }),
  };
}

// With hostNetwork a declared port is taken on the server, so the scheduler keeps a second rank (of any stack) away.
function enginePorts(plan: ServingPlan): object[] {
  return plan.ports.reserved.map((port) => ({
    name: port === plan.ports.http ? "http" : `dist-${port - plan.ports.dist}`,
    containerPort: port,
    hostPort: port,
    protocol: "TCP",
  }));
}
