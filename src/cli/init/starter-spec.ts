import { type GpuKind, gpuOf } from "../../plan/catalogue.ts";
import { contains } from "../../spec/ipv4.ts";
import { PLACEHOLDER_DIGEST } from "../../spec/rules/image.ts";
import { type ClusterSpecInput, GPU_KINDS } from "../../spec/schema.ts";
import { groupsOf, type InitFlags, listOf, pairsOf } from "./flags.ts";

/** The release whose flags and memory the plan knows (src/plan/data). */
const ENGINE_IMAGE = `lmsysorg/sglang:v0.5.23${PLACEHOLDER_DIGEST}`;
const LOCAL_SERVERS = "gpu-a=10.231.0.11,gpu-b=10.231.0.12,gpu-c=10.231.0.13,gpu-d=10.231.0.14";
const LOCAL_SUBNET = "10.231.0.0/24";

/**
 * The spec that the flags describe, with the choices that follow from them: groups from the number of servers, the
 * standby from the groups, the gateway outside the active group. Values are not checked here.
 */
export function starterSpec(flags: InitFlags): ClusterSpecInput {
  const isLocal = (flags.provision ?? "local") === "local";
  const addresses = pairsOf(flags.servers ?? (isLocal ? LOCAL_SERVERS : ""), "--servers");
  const names = Object.keys(addresses);
  const groups = flags.group === undefined ? starterGroups(names, flags.gpu) : groupsOf(flags.group);
  const grouped = Object.values(groups).flat();
  const spares = flags.spares === undefined ? names.filter((name) => !grouped.includes(name)) : listOf(flags.spares);
  const ids = Object.keys(groups);
  const preset = flags.model ?? (needsFourBit(names.length, flags.gpu) ? "deepseek-r1-0528-awq" : "deepseek-v3");
  const controlPlane = pairsOf(
    flags.controlPlane ?? (isLocal && !flags.servers ? "cp-1=10.231.0.10" : ""),
    "--control-plane",
  );
  const entry = gatewayOf(flags, isLocal, { names, groups, spares, controlPlanes: Object.keys(controlPlane) });
  const spec = {
    name: flags.name ?? (isLocal ? "local" : "prod"),
    provision: provisionOf(flags, Object.values(addresses)),
    servers: mapValues(addresses, (address) => ({ address, ...given("gpu", flags.gpu) })),
    ...(spares.length > 0 ? { spares } : {}),
    controlPlane: mapValues(controlPlane, (address) => ({ address })),
    groups,
    model: {
      preset,
      weights: flags.weights ?? `/models/${preset}`,
      ...given("contextLength", numberOf(flags.contextLength)),
    },
    engine: {
      image: flags.image ?? (isLocal ? "emulator" : ENGINE_IMAGE),
      ...given("optimizeFor", flags.optimizeFor),
      // Emulated ranks need next to nothing, and the defaults are those of a real server.
      ...(isLocal ? { resources: { cpu: 1, memoryGiB: 1, shmGiB: 0.125 } } : {}),
    },
    network: {
      ...given("interface", flags.interface ?? (isLocal ? "eth0" : undefined)),
      rdma: {
        kind: flags.rdma ?? (flags.rdmaDevices === undefined ? "none" : "infiniband"),
        devices: listOf(flags.rdmaDevices ?? ""),
        ...given("gidIndex", numberOf(flags.gidIndex)),
      },
    },
    failover: { standby: flags.standby ?? (ids.length > 1 ? "hot" : spares.length > 0 ? "spare" : "none") },
    ...given("gateway", entry),
    ...(isLocal ? { protect: false } : {}),
  };
  return spec as ClusterSpecInput;
}

/** FP8 needs two servers of 80 or 96 GB GPUs; eight of 140 GB hold it alone. Two groups where there are servers for them. */
function starterGroups(names: readonly string[], gpu: string | undefined): Record<string, string[]> {
  const size = holdAlone(gpu) || lackFp8(gpu) ? Math.min(1, names.length) : Math.min(2, names.length);
  if (size === 0) return {};
  const a = names.slice(0, size);
  const b = names.slice(size, 2 * size);
  return { a, ...(b.length === size ? { b } : {}) };
}

function needsFourBit(servers: number, gpu: string | undefined): boolean {
  return lackFp8(gpu) || (servers === 1 && !holdAlone(gpu));
}

const LEAST_MIB_ALONE = 140_000;

function holdAlone(gpu: string | undefined): boolean {
  return isKind(gpu) && gpuOf(gpu).totalMiB >= LEAST_MIB_ALONE;
}

function lackFp8(gpu: string | undefined): boolean {
  return isKind(gpu) && !gpuOf(gpu).fp8;
}

/** What was typed is checked with the whole spec, later. */
function isKind(gpu: string | undefined): gpu is GpuKind {
  return (GPU_KINDS as readonly (string | undefined)[]).includes(gpu);
}

function provisionOf(flags: InitFlags, addresses: readonly string[]) {
  const kind = flags.provision ?? "local";
  if (kind === "ssh") {
    const knownHosts = flags.knownHosts ?? "./known_hosts";
    return { kind, ...given("user", flags.user), identityFile: flags.identityFile ?? "~/.ssh/id_ed25519", knownHosts };
  }
  if (kind === "existing") return { kind, kubeconfig: flags.kubeconfig ?? "~/.kube/config" };
  const [first = ""] = addresses;
  const isIpv4 = /^\d+\.\d+\.\d+\.\d+$/.test(first);
  if (!isIpv4 || contains(LOCAL_SUBNET, first)) return { kind };
  return { kind, subnet: first.replace(/\.\d+$/, ".0/24") };
}

interface Places {
  names: readonly string[];
  groups: Record<string, string[]>;
  spares: readonly string[];
  controlPlanes: readonly string[];
}

/** The control plane and a server that the active group does not need; one replica where there is no second place. */
function gatewayOf(flags: InitFlags, isLocal: boolean, { names, groups, spares, controlPlanes }: Places) {
  const address = flags.gateway ?? (isLocal && flags.servers === undefined ? "10.231.0.100" : undefined);
  if (address === undefined || address === "") return undefined;
  const active = Object.values(groups)[0] ?? [];
  const outside = [...spares, ...names].find((name) => !active.includes(name));
  const places = [...controlPlanes.slice(0, 1), outside, active[0]].filter((name) => name !== undefined);
  const on = flags.gatewayOn === undefined ? places.slice(0, 2) : listOf(flags.gatewayOn);
  return { address, on };
}

function mapValues<T, R>(map: Record<string, T>, change: (value: T) => R): Record<string, R> {
  return Object.fromEntries(Object.entries(map).map(([name, value]) => [name, change(value)]));
}

function given<K extends string, T>(name: K, value: T | undefined): Partial<Record<K, T>> {
  return value === undefined ? {} : ({ [name]: value } as Record<K, T>);
}

/** A number where it is one; else the text, so that the check can quote it. */
function numberOf(text: string | undefined): number | string | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : text;
}
