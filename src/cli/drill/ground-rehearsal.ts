import { RehearsalArena } from "../../drill/scenarios/rehearsal-arena.ts";
import { loadPlan } from "../load-plan.ts";
import { localStack } from "../local-stack.ts";
import { assertTwoGroups } from "../rehearsal/two-groups.ts";
import { atRisk, type DrillGround } from "./ground.ts";

/** Processes of this machine, which go with the command whatever ends it. */
export async function rehearsalGround(
  spec: string | undefined,
  withSibling: boolean,
  signal: AbortSignal,
): Promise<DrillGround> {
  // An image that is not there yet is not needed: engines are emulated.
  const { plan } = loadPlan(spec ?? localStack(), { allowPlaceholder: true });
  assertTwoGroups(plan);
  const arena = await RehearsalArena.start({ plan, replicas: withSibling ? 2 : 1 });
  const close = () => arena.close();
  if (signal.aborted) await close();
  return {
    arena,
    atRisk: (scenario) => atRisk(scenario, arena.front.active()),
    before: async () => {},
    passes: async () => [],
    after: async () => {},
    abort: async () => {},
    close,
  };
}
