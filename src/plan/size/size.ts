import { architectureOf, type GpuKind, hasExperts, type ModelPreset, modelOf } from "../catalogue.ts";
import type { SizeAsk, Standby } from "./ask.ts";
import { candidateSets } from "./candidates.ts";
import type { Fit } from "./fit.ts";
import { smallerModels } from "./smaller-models.ts";
import { UNWORKABLE, type UnworkableShape } from "./unworkable.ts";

/** A set of servers that meets the ask, or comes nearest. */
export interface SizeSet {
  gpu: GpuKind;
  model: ModelPreset;
  /** False where no published run that the model was fitted on has such weights or such a GPU: never more than likely. */
  calibrated: boolean;
  standby: Standby;
  /** All that must be bought or rented. */
  servers: number;
  gpusPerServer: number;
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
  /** What meets the same ask with a distilled model, largest model first: other answers, from fewer GPUs. */
  smallerModels: SizeSet[];
  shapesThatDoNotWork: readonly UnworkableShape[];
}

/** The smallest sets of servers for what is asked. Pure, and quick enough to be asked again for each load. */
export function sizeFor(ask: SizeAsk): SizeAnswer {
  const sets: SizeSet[] = [];
  const nearest: SizeSet[] = [];
  for (const gpu of ask.gpus) {
    const tried = candidateSets(ask, gpu);
    const smallest = smallestOfEachStandby(tried.filter(({ fit }) => fit.verdict !== "no"));
    sets.push(...smallest);
    const most = tried.sort((a, b) => b.fit.mostUsers * b.activeGroups - a.fit.mostUsers * a.activeGroups)[0];
    if (smallest.length === 0 && most !== undefined) nearest.push(most);
  }
  return {
    ask,
    sets: sets.sort(bySize),
    nearest,
    smallerModels: smallerModels(ask),
    // They are about the full model.
    shapesThatDoNotWork: hasExperts(architectureOf(modelOf(ask.model))) ? UNWORKABLE : [],
  };
}

const STANDBY_ORDER: readonly Standby[] = ["none", "hot", "spare", "degraded"];

/** Of one GPU kind: for each standby the smallest with the full weights, and with 4 bits where that is smaller still. */
function smallestOfEachStandby(met: readonly SizeSet[]): SizeSet[] {
  const found: SizeSet[] = [];
  for (const standby of STANDBY_ORDER) {
    const [full, small] = [true, false].map(
      (isFull) => met.filter((set) => set.standby === standby && isFullWeights(set) === isFull).sort(bySize)[0],
    );
    if (full !== undefined) found.push(full);
    if (small !== undefined && (full === undefined || small.servers < full.servers)) found.push(small);
  }
  // Whoever has the servers for a loaded group does not leave one of them empty, nor serve less while one is away.
  const isBeaten = (set: SizeSet) =>
    (set.standby === "spare" || set.standby === "degraded") &&
    found.some(
      (other) => other.standby === "hot" && isFullWeights(other) === isFullWeights(set) && other.servers <= set.servers,
    );
  return found.filter((set) => !isBeaten(set));
}

const isFullWeights = ({ model }: SizeSet) => !/awq|w4a/.test(model);

/** Fewest GPUs; among equals full weights, the surer one, the standby that breaks least, the one with the most room. */
export function bySize(a: SizeSet, b: SizeSet): number {
  return (
    a.servers * a.gpusPerServer - b.servers * b.gpusPerServer ||
    Number(isFullWeights(b)) - Number(isFullWeights(a)) ||
    Number(a.fit.verdict !== "sure") - Number(b.fit.verdict !== "sure") ||
    STANDBY_ORDER.indexOf(a.standby) - STANDBY_ORDER.indexOf(b.standby) ||
    b.fit.mostUsers * b.activeGroups - a.fit.mostUsers * a.activeGroups
  );
}
