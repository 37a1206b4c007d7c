import { type GpuKind, type ModelPreset, modelOf } from "../catalogue.ts";
import type { SizeAsk, Standby } from "./ask.ts";
import { type EngineOption, engineOptions } from "./engines.ts";
import { type Fit, fitOf } from "./fit.ts";
import { UNWORKABLE, type UnworkableShape } from "./unworkable.ts";

/** A set of servers that meets the ask, or comes nearest. */
export interface SizeSet {
  gpu: GpuKind;
  model: ModelPreset;
  /** False where the weights are 4-bit: answers differ a little, and the model's constants were fitted on FP8. */
  calibrated: boolean;
  standby: Standby;
  /** All that must be bought or rented. */
  servers: number;
  serversPerGroup: number;
  /** Groups that serve at once; each more than one is a stack of its own. */
  activeGroups: number;
  usersPerGroup: number;
  fit: Fit;
}

export interface SizeAnswer {
  ask: SizeAsk;
  /** Smallest first, for each GPU kind and standby the smallest that meets the ask. */
  sets: SizeSet[];
  /** For each GPU kind without a set: what serves most users with the most servers, and by what it fails. */
  nearest: SizeSet[];
  shapesThatDoNotWork: readonly UnworkableShape[];
}

const GROUP_SIZES = [1, 2, 4];
/** The build that one server of 80 GB GPUs holds. */
const FOUR_BIT: ModelPreset = "deepseek-r1-0528-w4afp8";

/** The smallest sets of servers for what is asked. Pure, and quick enough to be asked again for each load. */
export function sizeFor(ask: SizeAsk): SizeAnswer {
  const standbys: readonly Standby[] = ask.survive === "server" ? ["hot", "spare", "degraded"] : ["none"];
  const sets: SizeSet[] = [];
  const nearest: SizeSet[] = [];
  for (const gpu of ask.gpus) {
    const tried = candidates(ask, gpu, standbys);
    const met = tried.filter(({ fit }) => fit.verdict !== "no");
    const smallest = [true, false].flatMap((calibrated) =>
      standbys.flatMap(
        (standby) =>
          met.filter((set) => set.calibrated === calibrated && set.standby === standby).sort(bySize)[0] ?? [],
      ),
    );
    // A spare that costs as much as a loaded group is no bargain.
    const isBeaten = (set: SizeSet) =>
      set.standby === "spare" &&
      smallest.some(
        (other) => other.standby === "hot" && other.calibrated === set.calibrated && other.servers <= set.servers,
      );
    sets.push(...smallest.filter((set) => !isBeaten(set)));
    const most = tried.sort((a, b) => b.fit.mostUsers * b.activeGroups - a.fit.mostUsers * a.activeGroups)[0];
    if (smallest.length === 0 && most !== undefined) nearest.push(most);
  }
  return { ask, sets: sets.sort(bySize), nearest, shapesThatDoNotWork: UNWORKABLE };
}

const STANDBY_ORDER: readonly Standby[] = ["none", "hot", "spare", "degraded"];

/** Fewest servers; among equals full weights, the surer one, the standby that breaks least, the one with the most room. */
function bySize(a: SizeSet, b: SizeSet): number {
  return (
    a.servers - b.servers ||
    Number(b.calibrated) - Number(a.calibrated) ||
    Number(a.fit.verdict !== "sure") - Number(b.fit.verdict !== "sure") ||
    STANDBY_ORDER.indexOf(a.standby) - STANDBY_ORDER.indexOf(b.standby) ||
    b.fit.mostUsers * b.activeGroups - a.fit.mostUsers * a.activeGroups
  );
}

function candidates(ask: SizeAsk, gpu: GpuKind, standbys: readonly Standby[]): SizeSet[] {
  const onOne = new Map<ModelPreset, EngineOption[]>(
    [ask.model, FOUR_BIT].map((model) => [model, engineOptions(ask, gpu, 1, model)]),
  );
  const fitsOneServer = [...onOne.values()].some((options) => options.length > 0);
  return GROUP_SIZES.filter((size) => size <= ask.maxServers).flatMap((serversPerGroup) => {
    const options = serversPerGroup === 1 ? onOne.get(ask.model) : engineOptions(ask, gpu, serversPerGroup, ask.model);
    const full = options ?? [];
    // Four bits are for servers that do not hold eight.
    const small = serversPerGroup === 1 && full.length === 0 ? (onOne.get(FOUR_BIT) ?? []) : [];
    const build = full.length > 0 ? full : small;
    const model = full.length > 0 ? ask.model : FOUR_BIT;
    const possible = standbys.filter((standby) => standby !== "degraded" || (serversPerGroup > 1 && fitsOneServer));
    return possible.flatMap((standby) =>
      groupCounts(ask, serversPerGroup, standby).flatMap((activeGroups) => {
        const usersPerGroup = Math.ceil(ask.users / activeGroups);
        const fit = build.map((option) => fitOf(ask, option, usersPerGroup)).sort(byFit)[0];
        if (fit === undefined) return [];
        const servers = serversOf(serversPerGroup, activeGroups, standby);
        const calibrated = modelOf(model).quantization === "fp8";
        const set = { gpu, model, calibrated, standby, servers, serversPerGroup, activeGroups, usersPerGroup };
        // The range of a model that was fitted on other kernels is no promise: published 4-bit runs lie outside it.
        return [{ ...set, fit: calibrated || fit.verdict === "no" ? fit : { ...fit, verdict: "likely" as const } }];
      }),
    );
  });
}

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
