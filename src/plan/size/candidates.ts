import { architectureOf, type GpuKind, gpuOf, hasExperts, type ModelPreset, modelOf } from "../catalogue.ts";
import { USED_POINTS } from "../performance/points.ts";
import { GPUS_PER_SERVER, type SizeAsk, type Standby } from "./ask.ts";
import { type EngineOption, engineOptions } from "./engines.ts";
import { type Fit, fitOf } from "./fit.ts";
import type { SizeSet } from "./size.ts";

const GROUP_SIZES = [1, 2, 4];
/** A dense model is small enough to ask for less than a whole server. */
const DENSE_GPUS = [1, 2, 4, GPUS_PER_SERVER];
/** The builds that one server of 80 GB GPUs holds: the quicker one where the GPU has FP8. */
const FOUR_BIT: readonly ModelPreset[] = ["deepseek-r1-0528-w4afp8", "deepseek-r1-0528-awq"];

/** Every number of servers of one kind that could be had for the ask, each with its best layout, met or not. */
export function candidateSets(ask: SizeAsk, gpu: GpuKind): SizeSet[] {
  if (!hasExperts(architectureOf(modelOf(ask.model)))) return DENSE_GPUS.flatMap((gpus) => denseSets(ask, gpu, gpus));
  const onOne = engineOptions(ask, gpu, 1, ask.model);
  const fourBit = FOUR_BIT.map((model) => ({ model, options: engineOptions(ask, gpu, 1, model) })).find(
    ({ options }) => options.length > 0,
  );
  return GROUP_SIZES.filter((size) => size <= ask.maxServers).flatMap((serversPerGroup) => {
    const full = serversPerGroup === 1 ? onOne : engineOptions(ask, gpu, serversPerGroup, ask.model);
    // Four bits are for servers that do not hold eight.
    const small = serversPerGroup === 1 && full.length === 0 ? fourBit : undefined;
    const build = full.length > 0 ? { model: ask.model, options: full } : small;
    if (build === undefined) return [];
    const standbys = standbysOf(ask).filter(
      (standby) => standby !== "degraded" || (serversPerGroup > 1 && (onOne.length > 0 || fourBit !== undefined)),
    );
    return standbys.flatMap((standby) => setsOf({ ask, gpu, ...build, standby, serversPerGroup }));
  });
}

/** A dense model: one server is a group, and `gpusPerServer` of its GPUs are enough. */
export function denseSets(ask: SizeAsk, gpu: GpuKind, gpusPerServer: number, model = ask.model): SizeSet[] {
  const options = engineOptions(ask, gpu, 1, model, gpusPerServer);
  const standbys = standbysOf(ask).filter((standby) => standby === "none" || standby === "hot");
  return standbys.flatMap((standby) =>
    setsOf({ ask, gpu, model, options, standby, serversPerGroup: 1, gpusPerServer }),
  );
}

interface Build {
  ask: SizeAsk;
  gpu: GpuKind;
  model: ModelPreset;
  options: readonly EngineOption[];
  standby: Standby;
  serversPerGroup: number;
  gpusPerServer?: number;
}

function setsOf({ options, gpusPerServer = GPUS_PER_SERVER, ...of }: Build): SizeSet[] {
  const { ask, gpu, model, standby, serversPerGroup } = of;
  const calibrated = isCalibrated(gpu, model);
  return groupCounts(ask, serversPerGroup, standby).flatMap((activeGroups) => {
    const usersPerGroup = Math.ceil(ask.users / activeGroups);
    const fit = options.map((option) => fitOf(ask, option, usersPerGroup)).sort(byFit)[0];
    if (fit === undefined) return [];
    const servers = serversOf(serversPerGroup, activeGroups, standby);
    const set = {
      gpu,
      model,
      calibrated,
      standby,
      servers,
      gpusPerServer,
      serversPerGroup,
      activeGroups,
      usersPerGroup,
    };
    // The range of a model that was fitted on other kernels is no promise: published 4-bit runs lie outside it.
    return [{ ...set, fit: calibrated || fit.verdict === "no" ? fit : { ...fit, verdict: "likely" as const } }];
  });
}

/** Whether a run that the constants were fitted on has this kind of weights, and GPUs of this kind or of the same design. */
export function isCalibrated(gpu: GpuKind, model: ModelPreset): boolean {
  const { quantization, architecture } = modelOf(model);
  return (
    USED_POINTS.some((point) => point.gpu === gpu) &&
    quantization === "fp8" &&
    architecture === "deepseek-v3" &&
    gpuOf(gpu).fp8
  );
}

const standbysOf = ({ survive }: SizeAsk): readonly Standby[] =>
  survive === "server" ? ["hot", "spare", "degraded"] : ["none"];

const ORDER = { sure: 0, likely: 1, no: 2 };
const byFit = (a: Fit, b: Fit) => ORDER[a.verdict] - ORDER[b.verdict] || b.mostUsers - a.mostUsers;

function groupCounts(ask: SizeAsk, serversPerGroup: number, standby: Standby): number[] {
  const counts: number[] = [];
  for (let active = 1; serversOf(serversPerGroup, active, standby) <= ask.maxServers; active += 1) counts.push(active);
  return counts;
}

/** Hot: one more loaded group. Spare: one more server. Degraded: none, the survivors serve a smaller build. */
export function serversOf(serversPerGroup: number, activeGroups: number, standby: Standby): number {
  const serving = serversPerGroup * activeGroups;
  return standby === "hot" ? serving + serversPerGroup : standby === "spare" ? serving + 1 : serving;
}
