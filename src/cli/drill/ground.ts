import type { RecordedPass } from "../../drill/record/replay-passes.ts";
import type { DrillArena } from "../../drill/scenarios/drill-arena.ts";
import type { DrillOutcome } from "../../drill/scenarios/run-drill.ts";
import type { Cause, Scenario } from "../../drill/scenarios/scenario.ts";

/** An arena as commands use it: what surrounds a drill so that nothing is left behind. */
export interface DrillGround {
  arena: DrillArena;
  /** The blast radius with names filled in. */
  atRisk(scenario: Scenario): string;
  /** Notes what is about to be done, for whoever comes after a crash. */
  before(scenario: string, cause: Cause, victim: string): Promise<void>;
  /** What the reconciler decided meanwhile. */
  passes(): Promise<RecordedPass[]>;
  /** It was undone, and scored. */
  after(outcome: DrillOutcome): Promise<void>;
  /** It ended early, and what it had done is undone. */
  abort(): Promise<void>;
  close(): Promise<void>;
}

/** The sentence about what is at risk; names are not drawn yet where chance decides. */
export function atRisk(scenario: Scenario, group: string): string {
  return scenario.blastRadius.replaceAll("GROUP", group).replaceAll("SERVER", "the server");
}
