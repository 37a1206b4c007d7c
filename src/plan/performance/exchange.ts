import { type EngineShape, EXPERTS_PER_TOKEN, serversOfStage } from "./shape.ts";

/** What NCCL and NVSHMEM reach of a link's nominal bandwidth with large messages (nccl-tests on HGX H100: 75 to 85 %). */
const LINK_EFFICIENCY = 0.8;
/** DeepSeek's router sends a token to at most 4 groups of experts (`topk_group` of config.json); DeepEP copies it once for each server. */
const MOST_SERVERS_PER_TOKEN = 4;
/** RoCE with congestion control answers small messages later than InfiniBand. An assumption: no published run has both. */
const ROCE_LATENCY = 1.25;
/** Without RDMA each small all-reduce passes two operating systems. An assumption: no published run was found. */
const TCP_LATENCY = 8;

/**
 * Seconds that one layer spends on moving activations between GPUs. `tokens` are those of one attention-DP rank.
 * Latency inside a server is part of the launch constant.
 */
export function exchangeSeconds(shape: EngineShape, tokens: number, phase: "decode" | "prefill"): number {
  const { layout } = shape;
  if (layout.tensorParallel === 1) return 0;
  return shape.deepep ? allToAll(shape, tokens, phase) : allReduces(shape, tokens);
}

function allReduces(shape: EngineShape, tokens: number): number {
  const { layout, architecture, gpusPerServer } = shape;
  const { tensorParallel: tp, dataParallel: dp } = layout;
  const attentionTp = tp / dp;
  const bytes = 2 * tokens * architecture.hiddenSize;
  // With attention DP the second exchange gathers the tokens of all ranks and scatters the sums.
  const attention = attentionTp > 1 ? reduce(shape, bytes, attentionTp, attentionTp > gpusPerServer) : 0;
  return attention + reduce(shape, bytes * dp, tp, tp > gpusPerServer);
}

/** A ring over `ranks`: every byte crosses the slowest link twice, less the share that starts where it ends. */
function reduce(shape: EngineShape, bytes: number, ranks: number, betweenServers: boolean): number {
  const travelled = 2 * (1 - 1 / ranks) * bytes;
  const inside = travelled / (shape.speeds.insideGBPerSecond * 1e9 * LINK_EFFICIENCY);
  if (!betweenServers) return inside;
  // One ring for each GPU of a server, so that all network cards carry.
  const outside = travelled / (serverGBPerSecond(shape) * 1e9 * LINK_EFFICIENCY);
  return inside + outside + latencySeconds(shape);
}

function allToAll(shape: EngineShape, tokens: number, phase: "decode" | "prefill"): number {
  const { architecture, speeds, gpusPerServer } = shape;
  const servers = serversOfStage(shape);
  // FP8 out, bf16 back.
  const bytesPerCopy = 3 * architecture.hiddenSize;
  const remote = 1 - 1 / servers;
  // The low-latency kernels of decode send one copy for each expert, the normal ones of prefill one for each server.
  const reached = Math.min(MOST_SERVERS_PER_TOKEN, servers);
  const copiesOut = phase === "decode" ? EXPERTS_PER_TOKEN * remote : reached * remote;
  const out =
    (tokens * bytesPerCopy * copiesOut) / ((serverGBPerSecond(shape) / gpusPerServer) * 1e9 * LINK_EFFICIENCY);
  const inside = (tokens * bytesPerCopy * EXPERTS_PER_TOKEN) / (speeds.insideGBPerSecond * 1e9 * LINK_EFFICIENCY);
  return inside + out + (servers > 1 ? latencySeconds(shape) : 0);
}

function serverGBPerSecond({ fabric, gpusPerServer }: EngineShape): number {
  return fabric.kind === "none" ? fabric.gbPerSecond : fabric.gbPerSecond * gpusPerServer;
}

function latencySeconds({ fabric, constants }: EngineShape): number {
  const factor = fabric.kind === "infiniband" ? 1 : fabric.kind === "roce" ? ROCE_LATENCY : TCP_LATENCY;
  return constants.betweenServersMicroseconds * 1e-6 * factor;
}
