import type { DrillArena } from "../../drill/scenarios/drill-arena.ts";
import type { Scenario } from "../../drill/scenarios/scenario.ts";
import { assertPossible, victimOf } from "../../drill/scenarios/victim.ts";
import { TandemError } from "../../errors.ts";
import { confirmed } from "../service/confirm.ts";
import type { RunDrillOptions } from "./play.ts";

/**
 * Lets a person agree to what a drill does, by the name of whom it hits: drawn here, so that the question can name it.
 *
 * @returns whom it will hit
 * @throws TandemError E_DRILL_REFUSED without the flag, or without a yes, E_DRILL_VICTIM, E_DRILL_IMPOSSIBLE; nothing has been
 *   done then
 */
export async function agreeToDrill(arena: DrillArena, scenario: Scenario, options: RunDrillOptions): Promise<string> {
  const { name, destructive, summary, steps } = scenario;
  const { active } = await arena.readiness();
  const victim = await victimOf(arena, steps[0], active ?? "", options.victim, Math.random);
  assertPossible(arena, scenario, victim);
  if (!destructive) return victim;
  if (!options.destructive)
    throw refused(
      `it is destructive: ${summary}`,
      `run it again with --destructive, at a time when ${arena.plan.name} can be without its standby for a while`,
    );
  if (options.yes) return victim;
  const answer = await confirmed(`Drill ${name} on ${victim} of ${arena.plan.name}: ${summary}. Go on?`);
  if (answer === "no terminal") throw refused("there is no terminal to ask on", "run it again with --yes");
  if (!answer) throw refused("you said no", "run it again when you mean it");
  return victim;
}

function refused(why: string, fix: string): TandemError {
  return new TandemError({ code: "E_DRILL_REFUSED", what: "the drill was not started", why, fix });
}
