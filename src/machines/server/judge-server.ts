import { error, type Finding, warning } from "./finding.ts";
import { judgeHardware } from "./judge-hardware.ts";
import type { ServerFacts } from "./server-facts.ts";

export type { Finding };

/** What the spec expects of a server. */
export interface Expectation {
  role: "control-plane" | "gpu";
  address: string;
  gpus: number;
  /** As in the spec: "H100-80". */
  gpuKind?: string;
  /** Addresses of the stack's other servers. */
  peers: readonly string[];
  /** TCP ports that must be free. */
  ports: readonly number[];
  interface?: string;
  rdmaDevices?: readonly string[];
  /** Where the model's weights lie or will lie, and their size. */
  weights?: { path: string; bytes: number };
  /** An emulated server. */
  local?: boolean;
}

const GIB = 1024 ** 3;
/** Certificates are valid from five minutes before they are made (kubeadm's CertificateBackdate); seconds spoil every log. */
const CLOCK_ERROR_MS = 5_000;
const CLOCK_WARNING_MS = 1_000;
/** The kubelet evicts pods when less than 15 % of the image file system is free (its default evictionHard). */
const FREE_SHARE = 0.15;
/** Our own figures: an engine image with its layers takes about 40 GiB, and two versions are there during an upgrade. */
const FREE_BYTES = { "control-plane": 20 * GIB, gpu: 100 * GIB } as const;
const FREE_BYTES_LOCAL = 1 * GIB;
/** kubeadm's own minimum for a control plane. */
const CONTROL_PLANE_MEMORY_BYTES = 1700 * 1024 ** 2;
const OS_VERSIONS: Record<string, readonly string[]> = { debian: ["12", "13"], ubuntu: ["22.04", "24.04", "26.04"] };

/** Everything that keeps a server from its task, or may; empty when it is fit. Looks at values only. */
export function judgeServer(facts: ServerFacts, wanted: Expectation): Finding[] {
  return [
    ...system(facts, wanted),
    ...clock(facts, wanted),
    ...space(facts, wanted),
    ...occupied(facts, wanted),
    ...judgeHardware(facts, wanted),
  ];
}

function* system(facts: ServerFacts, wanted: Expectation): Generator<Finding> {
  const versions = OS_VERSIONS[facts.os.id];
  const known = Object.entries(OS_VERSIONS)
    .map(([id, list]) => `${id} ${list.join(", ")}`)
    .join("; ");
  if (versions === undefined) {
    yield error(
      "E_OS",
      "unknown operating system",
      `found ${facts.os.name}, need one of: ${known}`,
      "install one of these",
    );
  } else if (!versions.includes(facts.os.version)) {
    yield warning(
      "W_OS",
      "untried release",
      `found ${facts.os.name}, tried are: ${known}`,
      "go on, and report what breaks",
    );
  }
  if (facts.arch !== "x86_64" && facts.arch !== "aarch64") {
    yield error("E_ARCH", "unknown processor", `found ${facts.arch}, need x86_64 or aarch64`, "use another server");
  }
  if (facts.init !== "systemd") {
    yield error("E_SYSTEMD", "no systemd", `the first process is ${facts.init}`, "boot the server with systemd");
  }
  if (isContainer(facts) && !wanted.local) {
    yield warning(
      "W_CONTAINER",
      "the server is a container",
      `systemd finds itself in ${facts.container}: kernel, sysctls and limits are those of its host`,
      "use the host itself where GPUs must be reached",
    );
  }
  if (facts.cgroup === 1 && !wanted.local) {
    yield warning(
      "W_CGROUP_V1",
      "cgroup v1",
      "Kubernetes 1.36 runs on it only because it is told to, and its support ends",
      "boot with systemd.unified_cgroup_hierarchy=1",
    );
  }
  if (facts.swaps.length > 0 && !wanted.local) {
    yield error(
      "E_SWAP",
      "swap is on",
      `${facts.swaps.join(", ")}: the kubelet refuses to start, and a swapped engine misses every deadline`,
      "swapoff -a, and remove the swap lines from /etc/fstab",
    );
  }
  if (wanted.role === "control-plane" && (facts.cpus < 2 || facts.memoryBytes < CONTROL_PLANE_MEMORY_BYTES)) {
    yield error(
      "E_SMALL",
      "too small for a control plane",
      `${facts.cpus} CPUs and ${gib(facts.memoryBytes)}, need 2 CPUs and ${gib(CONTROL_PLANE_MEMORY_BYTES)}`,
      "use a larger server",
    );
  }
  for (const module of facts.missingModules) {
    yield error(
      "E_MODULE",
      `kernel module ${module} is missing`,
      `kernel ${facts.kernel} has neither built it in nor as a module`,
      "install the distribution's full kernel package",
    );
  }
  if (facts.missingPrograms.includes("iproute2")) {
    yield error(
      "E_IPROUTE",
      "iproute2 is missing",
      "without ip and ss neither addresses nor taken ports nor the other servers can be looked at",
      "apt-get install -y iproute2",
    );
  }
  if (facts.missingPrograms.length > 0 && !facts.programs.includes("apt-get")) {
    yield error(
      "E_PACKAGES",
      "programs are missing",
      `${facts.missingPrograms.join(", ")}, and there is no apt-get`,
      "install them by hand",
    );
  }
}

/** Kernel and clock of a container are its host's. */
function isContainer({ container }: ServerFacts): boolean {
  return container !== "" && container !== "none";
}

function* clock(facts: ServerFacts, wanted: Expectation): Generator<Finding> {
  const off = Math.max(0, Math.abs(facts.clockAheadMs) - facts.clockErrorMs);
  const why = `it is ${(Math.abs(facts.clockAheadMs) / 1000).toFixed(1)} s ${facts.clockAheadMs > 0 ? "ahead of" : "behind"} this machine (± ${(facts.clockErrorMs / 1000).toFixed(1)} s)`;
  const fix = "run chrony or systemd-timesyncd on the server and on this machine";
  if (off > CLOCK_ERROR_MS) yield error("E_CLOCK", "the clock is wrong", `${why}, at most 5 s are allowed`, fix);
  else if (off > CLOCK_WARNING_MS) yield warning("W_CLOCK", "the clock is off", why, fix);
  else if (!facts.clockSynced && !wanted.local && !isContainer(facts)) {
    yield warning("W_CLOCK_SYNC", "the clock is not synchronised", "timedatectl says NTPSynchronized=no", fix);
  }
}

function* space(facts: ServerFacts, wanted: Expectation): Generator<Finding> {
  const needed = wanted.local ? FREE_BYTES_LOCAL : FREE_BYTES[wanted.role];
  for (const { path, freeBytes, totalBytes, device } of facts.disks) {
    if (path === wanted.weights?.path) continue;
    const share = wanted.local ? 0 : FREE_SHARE;
    if (freeBytes >= needed && freeBytes >= totalBytes * share) continue;
    yield error(
      "E_DISK",
      `not enough disk space for ${path}`,
      `${gib(freeBytes)} of ${gib(totalBytes)} are free on ${device}, need ${gib(Math.max(needed, totalBytes * share))}`,
      `free space on ${device}, or mount a larger disk at ${path}`,
    );
  }
  const { weights } = wanted;
  const disk = facts.disks.find(({ path }) => path === weights?.path);
  if (weights === undefined || disk === undefined) return;
  if (disk.totalBytes < weights.bytes) {
    yield error(
      "E_WEIGHTS_SPACE",
      `no room for the weights at ${weights.path}`,
      `${disk.device} holds ${gib(disk.totalBytes)}, the weights take ${gib(weights.bytes)}`,
      `mount a larger NVMe disk at ${weights.path}`,
    );
  }
  if (!disk.device.includes("nvme") && !wanted.local) {
    yield warning(
      "W_WEIGHTS_DISK",
      `${weights.path} is not on NVMe`,
      `it is on ${disk.device}; a group loads ${gib(weights.bytes)} from it at each start`,
      `mount an NVMe disk at ${weights.path}`,
    );
  }
}

function* occupied(facts: ServerFacts, wanted: Expectation): Generator<Finding> {
  const others = facts.units.filter((unit) => !["kubelet", "ufw", "firewalld"].includes(unit));
  if (!facts.ours && (facts.kubernetes || facts.units.includes("kubelet") || others.length > 0)) {
    const signs = [...(facts.kubernetes ? ["/etc/kubernetes"] : []), ...facts.units].join(", ");
    yield error(
      "E_OTHER_CLUSTER",
      "the server belongs to another cluster",
      `found ${signs}, not made by us`,
      "take it out of that cluster and remove its node software (kubeadm reset, k3s-uninstall.sh, …)",
    );
  }
  const foreign = facts.cniFiles.filter((file) => !file.endsWith("/10-tandem.conflist"));
  if (foreign.length > 0) {
    yield error(
      "E_OTHER_CNI",
      "another pod network is set up",
      foreign.join(", "),
      "remove these files, unless a cluster on this server still needs them",
    );
  }
  // On a server of ours the ports are taken by what we started there.
  if (!facts.ours) {
    for (const { port, by } of facts.portsTaken) {
      yield error(
        "E_PORT_TAKEN",
        `port ${port} is taken`,
        `${by} listens on it`,
        `stop ${by}, or change the port in the spec`,
      );
    }
  }
  for (const unit of facts.units.filter((name) => name === "ufw" || name === "firewalld")) {
    yield warning(
      "W_FIREWALL",
      `${unit} is active`,
      "its rules come on top of ours and may drop traffic between the servers",
      `allow all traffic between ${[wanted.address, ...wanted.peers].join(", ")}, or disable ${unit}`,
    );
  }
}

function gib(bytes: number): string {
  return `${(bytes / GIB).toFixed(1)} GiB`;
}
