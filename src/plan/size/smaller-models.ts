import { MODEL_PRESETS } from "../../spec/schema.ts";
import { architectureOf, hasExperts, modelOf } from "../catalogue.ts";
import { GPUS_PER_SERVER, type SizeAsk } from "./ask.ts";
import { denseSets } from "./candidates.ts";
import type { SizeSet } from "./size.ts";

/** R1's own distilled models, which the catalogue has largest first. */
const DISTILLED = MODEL_PRESETS.filter((preset) => preset.includes("-distill-"));
const GPUS = [1, 2, 4, GPUS_PER_SERVER];

/**
 * The fewest GPUs of the first kind asked for that meet the same ask with each distilled model. They are other models with
 * other answers, so they never stand among the sets; nothing where a distilled model was asked for by name.
 */
export function smallerModels(ask: SizeAsk): SizeSet[] {
  const [gpu] = ask.gpus;
  if (gpu === undefined || !hasExperts(architectureOf(modelOf(ask.model)))) return [];
  return DISTILLED.flatMap((model) => {
    const met = GPUS.flatMap((gpus) => denseSets(ask, gpu, gpus, model)).filter(({ fit }) => fit.verdict !== "no");
    const total = (set: SizeSet) => set.servers * set.gpusPerServer;
    return met.sort((a, b) => total(a) - total(b) || a.servers - b.servers)[0] ?? [];
  });
}
