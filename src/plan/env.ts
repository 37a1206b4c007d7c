import type { ClusterSpec } from "../spec/schema.ts";
import type { Workload } from "./workload.ts";

/** Where kernels compiled at run time are kept: a directory of the server's own disk is mounted here. */
export const CACHE_DIR = "/var/cache/sglang";

/**
 * Environment of every rank: the same on all, sorted by name, because NCCL and NVSHMEM hang when ranks disagree.
 * Sources: SGLang 0.5.23 environ.py, NCCL and NVSHMEM documentation.
 */
export function engineEnv(spec: ClusterSpec, workload: Workload): Record<string, string> {
  const { interface: nic, rdma } = spec.network;
  // Membership of a group changes while it runs, so every server of the stack may speak to its sockets, nobody else.
  // Sorted: a spec that lists its servers in another order is the same stack, and no reason to restart an engine.
  const peers = Object.values(spec.servers)
    .map(({ address }) => address)
    .sort();
  const env: Record<string, string> = {
    GLOO_SOCKET_IFNAME: nic,
    // Without `=` NCCL matches prefixes: ens1 would take ens10f0 too.
    NCCL_SOCKET_IFNAME: `=${nic}`,
    SGLANG_CACHE_DIR: CACHE_DIR,
    // The dumps block the dying leader for 65 s and more; a failover cannot wait for them.
    SGLANG_CUDA_COREDUMP_BEFORE_CRASH: "0",
    SGLANG_PYSPY_DUMP_BEFORE_CRASH: "0",
    SGLANG_KILLPG_ON_SCHEDULER_EXCEPTION: "1",
    SGLANG_WARMUP_TIMEOUT: "1800",
    SGLANG_ZMQ_ALLOWED_PEERS: ["127.0.0.1", ...peers].join(","),
  };
  if (rdma.kind === "none") env.NCCL_IB_DISABLE = "1";
  else if (rdma.devices.length > 0) env.NCCL_IB_HCA = `=${rdma.devices.join(",")}`;
  if (rdma.kind === "roce" && rdma.gidIndex !== undefined) env.NCCL_IB_GID_INDEX = String(rdma.gidIndex);
  if (workload.a2aBackend === "deepep") {
    env.SGLANG_DEEPEP_NUM_MAX_DISPATCH_TOKENS_PER_RANK = String(workload.dispatchTokensPerRank);
    if (rdma.kind !== "none") {
      env.NVSHMEM_ENABLE_NIC_PE_MAPPING = "1";
      if (rdma.devices.length > 0) env.NVSHMEM_HCA_LIST = rdma.devices.map((device) => `${device}:1`).join(",");
      if (rdma.kind === "roce" && rdma.gidIndex !== undefined) env.NVSHMEM_IB_GID_INDEX = String(rdma.gidIndex);
    }
  }
  return Object.fromEntries(Object.entries(env).sort(([a], [b]) => (a < b ? -1 : 1)));
}
