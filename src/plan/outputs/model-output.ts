import type { ConstantName } from "../performance/constants.ts";

/** What an answer rests on: each is listed with its date by `tandem explain`. */
export type SourceKind = "published runs" | "SGLang's memory" | "prices" | "faults";

/** One figure that the planner gives: what it is, its formula, and which constants move it. */
export interface ModelOutput {
  means: string;
  formula: string;
  inputs: string;
  /** Names of the fields of `--output json` that hold it; none for a part that only other figures are made of. */
  figures: readonly string[];
  constants: readonly ConstantName[];
  sources: SourceKind;
}
