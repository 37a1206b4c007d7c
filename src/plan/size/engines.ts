import { type ClusterSpec, ClusterSpecSchema } from "../../spec/schema.ts";
import type { GpuKind, ModelPreset } from "../catalogue.ts";
import { enumerateLayouts } from "../layouts/enumerate.ts";
import { fleetOf } from "../layouts/fleet.ts";
import { type Judged, judgeIfItRuns } from "../layouts/judge.ts";
import { isMeasuredKind } from "../layouts/measured.ts";
import { usualLayouts } from "../layouts/usual.ts";
import { engineShape } from "../performance/engine-shape.ts";
import type { EngineShape } from "../performance/shape.ts";
import { GPUS_PER_SERVER, type SizeAsk } from "./ask.ts";

/** A layout that runs on a group, ready to be asked how fast it is. */
export interface EngineOption {
  judged: Judged;
  shape: EngineShape;
}

const LEAST_CONTEXT = 8192;
/** No image is pulled for a size; the schema wants one. */
const IMAGE = `lmsysorg/sglang:v0.5.23@sha256:${"0".repeat(64)}`;

/** The layouts of measured kinds that people use and that run on one group of `servers` servers. */
export function engineOptions(
  ask: SizeAsk,
  gpu: GpuKind,
  servers: number,
  model: ModelPreset,
  gpusPerServer = GPUS_PER_SERVER,
): EngineOption[] {
  const spec = specOf({ ask, gpu, servers, model, gpusPerServer });
  const fleet = fleetOf(spec);
  const layouts = usualLayouts(enumerateLayouts(servers * gpusPerServer, 0), servers, 0).filter(isMeasuredKind);
  return layouts.flatMap((layout) => {
    const judged = judgeIfItRuns(spec, fleet, layout);
    return judged === undefined ? [] : [{ judged, shape: engineShape(spec, fleet, judged, ask.fabric) }];
  });
}

interface Group {
  ask: SizeAsk;
  gpu: GpuKind;
  servers: number;
  model: ModelPreset;
  gpusPerServer: number;
}

function specOf({ ask, gpu, servers, model, gpusPerServer }: Group): ClusterSpec {
  const names = Array.from({ length: servers }, (_, at) => `gpu-${at + 1}`);
  const rdma = ask.fabric.kind === "none" ? { kind: "none" } : { kind: ask.fabric.kind, devices: ["mlx5_0"] };
  return ClusterSpecSchema.parse({
    name: "size",
    provision: { kind: "ssh", identityFile: "key", knownHosts: "hosts" },
    servers: Object.fromEntries(
      names.map((name, at) => [name, { address: `10.0.0.${at + 11}`, gpu, gpus: gpusPerServer }]),
    ),
    controlPlane: { "cp-1": { address: "10.0.0.10" } },
    groups: { a: names },
    model: { preset: model, weights: "/models", contextLength: contextLength(ask) },
    engine: { image: IMAGE, speculative: ask.speculative && model === ask.model },
    network: { interface: "eth0", rdma: ask.fabric.kind === "roce" ? { ...rdma, gidIndex: 3 } : rdma },
    failover: { standby: "none" },
    gateway: { address: "10.0.0.100", on: ["cp-1"] },
  });
}

/** Room for the asked lengths, rounded up to a power of two. */
function contextLength({ inputTokens, outputTokens }: SizeAsk): number {
  return Math.max(LEAST_CONTEXT, 2 ** Math.ceil(Math.log2(inputTokens + outputTokens)));
}
