import type { ClusterSpec } from "../../spec/schema.ts";
import { type Architecture, architectureOf, type Gpu, type GpuKind, gpuOf, type Model, modelOf } from "../catalogue.ts";

/** What one group gives to an engine: `servers` equal servers. All groups of a stack are planned alike. */
export interface Fleet {
  servers: number;
  gpusPerServer: number;
  gpuKind: GpuKind;
  gpu: Gpu;
  model: Model;
  architecture: Architecture;
}

/** The fleet of every group; where groups differ in GPU kind the smallest memory counts, because either must serve. */
export function fleetOf(spec: ClusterSpec): Fleet {
  const members = Object.values(spec.groups).flat();
  const servers = members.flatMap((name) => spec.servers[name] ?? []);
  const smallest = servers.reduce<(typeof servers)[number] | undefined>(
    (best, server) => (best && gpuOf(best.gpu).totalMiB <= gpuOf(server.gpu).totalMiB ? best : server),
    undefined,
  );
  if (smallest === undefined) throw new Error("a checked spec has a group, and every member of it is a server");
  const model = modelOf(spec.model.preset);
  return {
    servers: Object.values(spec.groups)[0]?.length ?? 0,
    gpusPerServer: Math.min(...servers.map(({ gpus }) => gpus)),
    gpuKind: smallest.gpu,
    gpu: gpuOf(smallest.gpu),
    model,
    architecture: architectureOf(model),
  };
}
