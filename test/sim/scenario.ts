import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Draw, draw } from "./faults/draw.ts";
import { shrink } from "./shrink.ts";
import { type Run, simulate } from "./simulate.ts";

/** A world that once broke a rule, or that must be kept: it runs as a test from then on. */
export interface Scenario {
  /** What it is about, in one sentence. */
  about: string;
  seed: number;
  config: Draw["config"];
  faults: Draw["faults"];
  /** The rule that it broke when it was found; null for one that was written by hand. */
  broke: { rule: string; text: string } | null;
  /** What happened then, for a reader. */
  transcript: readonly string[];
}

const FOLDER = new URL("../scenarios/", import.meta.url).pathname;

export function scenarioNames(folder = FOLDER): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".json"))
    .sort();
}

export function readScenario(name: string, folder = FOLDER): Scenario {
  return JSON.parse(readFileSync(join(folder, name), "utf8")) as Scenario;
}

export function runScenario({ seed, config, faults }: Scenario): Run {
  return simulate(seed, { config, faults }, true);
}

/** Shrinks a failing seed and writes it down; returns the path of the file. */
export function keepFailure(seed: number, rule: string, folder = FOLDER): string {
  const small = shrink(seed, draw(seed), rule);
  const { breaches, transcript } = simulate(seed, small, true);
  const breach = breaches.find((one) => one.rule === rule);
  const about = `Found by seed ${seed}: ${small.faults.map(({ kind, role }) => `${kind} (${role})`).join(", then ")}.`;
  const broke = { rule, text: breach?.text ?? "" };
  const scenario: Scenario = { about, seed, ...small, broke, transcript };
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${rule}-${seed}.json`);
  writeFileSync(path, `${JSON.stringify(scenario, null, 2)}\n`);
  return path;
}
