/** What a look at a server found. Byte counts are bytes; lists are in the order the server gave them. */
export interface ServerFacts {
  os: { id: string; version: string; name: string };
  arch: string;
  kernel: string;
  cpus: number;
  memoryBytes: number;
  init: string;
  container: string;
  cgroup: 1 | 2;
  swaps: string[];
  /** How far the server's clock is ahead of ours, and how far that may be wrong (half the round trip). */
  clockAheadMs: number;
  clockErrorMs: number;
  clockSynced: boolean;
  disks: { path: string; freeBytes: number; totalBytes: number; device: string }[];
  portsTaken: { port: number; by: string }[];
  gpus: { index: number; name: string; driver: string; memoryMiB: number }[];
  gpuError: string | undefined;
  rdma: { device: string; port: number; state: number; linkLayer: string; rate: string }[];
  missingModules: string[];
  /** We have begun or finished to make this server a node. */
  ours: boolean;
  kubernetes: boolean;
  units: string[];
  cniFiles: string[];
  addresses: { address: string; interface: string }[];
  peers: { address: string; reach: "neighbour" | "routed" | "silent" | "none" }[];
  programs: string[];
  missingPrograms: string[];
}

/**
 * Reads what `scripts/preflight.sh` printed.
 *
 * @param asked our clock just before and after the script was run, in ms since 1970
 */
export function parseServerFacts(text: string, asked: { beforeMs: number; afterMs: number }): ServerFacts {
  const values = new Map<string, string[]>();
  for (const line of text.split("\n")) {
    const [key = "", value = ""] = line.split("\t");
    if (key !== "") values.set(key, [...(values.get(key) ?? []), value]);
  }
  const all = (key: string) => values.get(key) ?? [];
  const one = (key: string) => all(key)[0] ?? "";
  const words = (key: string) => all(key).map((value) => value.split(" "));
  const [id = "", version = ""] = one("os").split(" ");
  const middleMs = (asked.beforeMs + asked.afterMs) / 2;
  return {
    os: { id, version, name: one("os-name") },
    arch: one("arch"),
    kernel: one("kernel"),
    cpus: Number(one("cpus")),
    memoryBytes: Number(one("memory-kib")) * 1024,
    init: one("init"),
    container: one("container"),
    cgroup: one("cgroup") === "2" ? 2 : 1,
    swaps: all("swap"),
    clockAheadMs: Number(one("clock")) / 1e6 - middleMs,
    clockErrorMs: (asked.afterMs - asked.beforeMs) / 2,
    clockSynced: one("clock-synced") === "yes",
    disks: words("disk").map(([path = "", free, total, device = ""]) => ({
      path,
      freeBytes: Number(free),
      totalBytes: Number(total),
      device,
    })),
    portsTaken: words("port").map(([port, by = ""]) => ({ port: Number(port), by })),
    gpus: all("gpu").map((line) => {
      const [index, name = "", driver = "", memory] = line.split(", ");
      return { index: Number(index), name, driver, memoryMiB: Number(memory) };
    }),
    gpuError: all("gpu-error")[0],
    rdma: words("rdma").map(([device = "", port, state, linkLayer = "", ...rate]) => ({
      device,
      port: Number(port),
      state: Number(state),
      linkLayer,
      rate: rate.join(" "),
    })),
    missingModules: all("no-module"),
    ours: values.has("ours"),
    kubernetes: values.has("kubernetes"),
    units: all("unit"),
    cniFiles: all("cni"),
    addresses: words("address").map(([address = "", device = ""]) => ({ address, interface: device })),
    peers: words("peer").map(([address = "", reach = "none"]) => ({ address, reach: reach as "none" })),
    programs: all("program"),
    missingPrograms: all("missing"),
  };
}
