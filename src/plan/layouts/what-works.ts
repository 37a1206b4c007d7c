import type { ClusterSpec } from "../../spec/schema.ts";
import { architectureOf, type GpuKind, gpuOf, hasExperts, type ModelPreset, modelOf } from "../catalogue.ts";
import { thousands } from "../thousands.ts";
import { chooseLayout } from "./choose.ts";
import { candidateLayouts } from "./enumerate.ts";
import type { Fleet } from "./fleet.ts";
import { judgeIfItRuns } from "./judge.ts";
import { usualLayouts } from "./usual.ts";

/** One change to a spec that nothing fits, tried with the same rules, and what it would give. */
interface Change {
  say: string;
  engine?: Partial<ClusterSpec["engine"]>;
  preset?: ModelPreset;
  contextLength?: number;
  servers?: number;
  gpuKind?: GpuKind;
  gpusPerServer?: number;
}

/**
 * What would make a group run, found by trying: every sentence names a change and the layout and tokens that it gives.
 * Empty when no single change helps.
 */
export function whatWorks(spec: ClusterSpec, fleet: Fleet): string[] {
  const { servers, gpusPerServer, gpuKind } = fleet;
  const eights = `${servers} × ${gpusPerServer} GPUs`;
  // The next number that divides over all ranks: 256 experts already do.
  const ranks = servers * gpusPerServer;
  const evenExperts = Math.ceil(spec.engine.redundantExperts / ranks) * ranks;
  const changes: Change[] = [
    { say: `layout auto`, engine: { layout: "auto" } },
    {
      say: `engine.memFractionStatic left out`,
      engine: { memFractionStatic: undefined } as Partial<ClusterSpec["engine"]>,
    },
    { say: `engine.redundantExperts 0`, engine: { redundantExperts: 0 } },
    { say: `engine.redundantExperts ${evenExperts}`, engine: { redundantExperts: evenExperts } },
    { say: `engine.kvCacheDtype fp8_e4m3`, engine: { kvCacheDtype: "fp8_e4m3" } },
    { say: `model.contextLength 32768`, contextLength: 32768 },
    { say: `model.preset deepseek-r1-0528-w4afp8 (4-bit) on ${eights}`, preset: "deepseek-r1-0528-w4afp8" },
    { say: `model.preset deepseek-r1-0528-awq (4-bit) on ${eights}`, preset: "deepseek-r1-0528-awq" },
    { say: `servers of 8 GPUs each`, gpusPerServer: 8 },
    { say: `${servers * 2} servers of ${gpusPerServer}×${gpuKind} in a group`, servers: servers * 2 },
    { say: `H200-141 GPUs instead of ${gpuKind}`, gpuKind: "H200-141" },
  ];
  return changes.flatMap((change) => {
    const tried = tryChange(spec, fleet, change);
    return tried === undefined ? [] : [`${change.say}: ${tried}`];
  });
}

/** The same as one sentence for the `fix` of a problem. */
export function suggest(spec: ClusterSpec, fleet: Fleet): string {
  const works = whatWorks(spec, fleet);
  return works.length === 0
    ? "no single change helps; use two servers of 8 GPUs per group"
    : `use ${works.join("; or ")}`;
}

function tryChange(spec: ClusterSpec, fleet: Fleet, change: Change): string | undefined {
  if (change.gpuKind === fleet.gpuKind || change.gpusPerServer === fleet.gpusPerServer) return undefined;
  if (change.engine?.redundantExperts === spec.engine.redundantExperts) return undefined;
  const model = change.preset === undefined ? fleet.model : modelOf(change.preset);
  if (change.preset === spec.model.preset) return undefined;
  // Whoever chose a distilled model has no servers for the full one.
  if (change.preset !== undefined && !hasExperts(fleet.architecture)) return undefined;
  const changed: ClusterSpec = {
    ...spec,
    engine: { ...spec.engine, ...change.engine },
    model: {
      ...spec.model,
      preset: change.preset ?? spec.model.preset,
      contextLength: Math.min(spec.model.contextLength, change.contextLength ?? Number.POSITIVE_INFINITY),
    },
  };
  if (changed.model.contextLength === spec.model.contextLength && change.contextLength !== undefined) return undefined;
  const gpuKind = change.gpuKind ?? fleet.gpuKind;
  const world: Fleet = {
    servers: change.servers ?? fleet.servers,
    gpusPerServer: change.gpusPerServer ?? fleet.gpusPerServer,
    gpuKind,
    gpu: gpuOf(gpuKind),
    model,
    architecture: architectureOf(model),
  };
  // Layouts that people use: a mixture that nobody has measured is no advice.
  const redundant = changed.engine.redundantExperts;
  const wanted = usualLayouts(candidateLayouts(world, redundant), world.servers, redundant);
  const kept = wanted.flatMap((layout) => judgeIfItRuns(changed, world, layout) ?? []);
  const choice = chooseLayout(kept, changed, world);
  return choice && `${choice.judged.layout.name}, ${thousands(choice.judged.memory.kvTokens)} tokens of KV`;
}
