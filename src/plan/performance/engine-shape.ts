import type { ClusterSpec } from "../../spec/schema.ts";
import type { Fleet } from "../layouts/fleet.ts";
import type { Judged } from "../layouts/judge.ts";
import { FITTED, SPEEDS } from "./constants.ts";
import type { EngineShape, Fabric } from "./shape.ts";

/** One 400 Gbit/s card for each GPU: what 8×H100 servers come with, and what the published clusters have. */
export const RDMA_GB_PER_SECOND = 50;
/** One 100 Gbit/s interface for the whole server. A spec does not say how fast its network is. */
const PLAIN_GB_PER_SECOND = 12.5;

/** The network of a spec as the model sees it, at the usual speed of its kind. */
export function fabricOf({ network: { rdma } }: ClusterSpec): Fabric {
  return { kind: rdma.kind, gbPerSecond: rdma.kind === "none" ? PLAIN_GB_PER_SECOND : RDMA_GB_PER_SECOND };
}

/** A layout that runs on a group, as the performance model sees it. */
export function engineShape(
  { engine }: ClusterSpec,
  { gpuKind, architecture, model, gpusPerServer }: Fleet,
  { layout, workload, memory }: Judged,
  fabric: Fabric,
): EngineShape {
  return {
    speeds: SPEEDS[gpuKind],
    constants: FITTED,
    architecture,
    model,
    layout,
    gpusPerServer,
    fabric,
    kvCacheDtype: engine.kvCacheDtype,
    draftTokens: workload.draftTokens,
    deepep: workload.a2aBackend === "deepep",
    overlap: false,
    chunkPerRankTokens: workload.chunkPerRankTokens,
    kvTokens: memory.kvTokens,
  };
}
