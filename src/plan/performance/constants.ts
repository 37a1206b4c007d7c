import speedData from "../data/gpu-speeds.json" with { type: "json" };
import constantData from "../data/performance-constants.json" with { type: "json" };

const { _about, ...entries } = constantData;

export type ConstantName = keyof typeof entries;

/** The calibrated numbers of the model; everything else comes from data sheets and from the model's architecture. */
export type Constants = Readonly<Record<ConstantName, number>>;

/** With meaning and source, for `docs/planner.md`. */
export const CONSTANTS: Readonly<Record<ConstantName, (typeof entries)[ConstantName]>> = entries;

export const CONSTANT_NAMES = Object.keys(entries) as ConstantName[];

/** The fitted values. */
export const FITTED: Constants = valuesOf("value");

/** Where the fit begins, and what it keeps where no published point speaks. */
export const PRIOR: Constants = valuesOf("prior");

function valuesOf(field: "value" | "prior"): Constants {
  return Object.fromEntries(CONSTANT_NAMES.map((name) => [name, entries[name][field]])) as Constants;
}

/** What a data sheet says about a GPU; GB are decimal, a link counts one direction. */
export interface Speeds {
  hbmGBPerSecond: number;
  /** Null: no FP8. */
  fp8Tflops: number | null;
  bf16Tflops: number;
  /** Between the GPUs of a server. */
  insideGBPerSecond: number;
}

const { _about: _aboutSpeeds, ...speeds } = speedData;

export type SpeedKind = keyof typeof speeds;

export const SPEEDS: Readonly<Record<SpeedKind, Speeds & { source: string }>> = speeds;
