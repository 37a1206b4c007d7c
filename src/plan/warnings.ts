import type { ClusterSpec } from "../spec/schema.ts";
import type { Fleet } from "./layouts/fleet.ts";
import type { Judged } from "./layouts/judge.ts";
import { LEAST_HEADROOM_GIB } from "./memory.ts";
import { thousands } from "./thousands.ts";

/** What runs, but a person should know before buying or blaming: one sentence each, with numbers. */
export function planWarnings(spec: ClusterSpec, fleet: Fleet, { layout, workload, memory }: Judged): string[] {
  const warnings: string[] = [];
  const pool = Math.floor(memory.kvTokens / layout.dataParallel);
  const { rdma } = spec.network;
  if (memory.headroomGiBPerGpu < LEAST_HEADROOM_GIB) {
    warnings.push(
      `head-room is ${memory.headroomGiBPerGpu.toFixed(1)} GiB per GPU; below ${LEAST_HEADROOM_GIB} a long prompt may run out of memory`,
    );
  }
  if (pool < 2 * spec.model.contextLength) {
    warnings.push(
      `one rank's pool of ${thousands(pool)} tokens holds a single request of full length (${thousands(spec.model.contextLength)})`,
    );
  }
  if (fleet.servers > 1 && rdma.kind === "none") {
    warnings.push(
      "network.rdma is none: every layer crosses servers over TCP; on real servers expect a few tokens per second",
    );
  }
  if (rdma.kind !== "none" && rdma.devices.length === 0) {
    warnings.push(
      "network.rdma.devices is empty: NCCL takes every RDMA device, storage and management networks included",
    );
  }
  if (rdma.kind !== "none" && rdma.resource === undefined && rdma.privileged !== true) {
    warnings.push(
      "network.rdma names no device plugin: the engine cannot open /dev/infiniband and NCCL falls back to TCP; set network.rdma.resource, or network.rdma.privileged: true",
    );
  }
  if (rdma.kind === "roce" && rdma.gidIndex === undefined) {
    warnings.push("network.rdma.gidIndex is not set: NCCL picks a GID by itself; RoCEv2 is usually 3 (see show_gids)");
  }
  if (layout.expertParallel > 1 && layout.dataParallel > 1 && workload.a2aBackend === "none") {
    warnings.push(
      `${layout.name} exchanges expert tokens by all-gather, without DeepEP: slower than dp${layout.tensorParallel}-ep${layout.tensorParallel} over RDMA`,
    );
  }
  if (layout.dataParallel > 1 && layout.dataParallel < layout.tensorParallel) {
    warnings.push(
      `${layout.name} is less travelled: SGLang documents no attention DP in between on two servers; measure before use`,
    );
  }
  if (layout.pipelineParallel > 1) {
    warnings.push(`${layout.name} runs without overlap scheduling and prefill graphs, as SGLang does with pipelines`);
  }
  if (fleet.model.toolCallsNeedTemplate && !spec.engine.extraArgs.some((word) => word.startsWith("--chat-template"))) {
    warnings.push(
      `tool calls of ${spec.model.preset} need SGLang's template file: add [--chat-template, PATH] to engine.extraArgs if you use them`,
    );
  }
  return warnings;
}
