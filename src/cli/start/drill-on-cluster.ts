import { setTimeout as delay } from "node:timers/promises";
import type { ServingPlan } from "../../plan/serving-plan.ts";
import { gatewayAgainst, whatSpeaksAgainst } from "../drill/service.ts";
import { Exit } from "../exit.ts";
import { stackAccess } from "../stack-access.ts";
import type { Phase } from "../up/phases.ts";

export interface ShowOptions {
  print: (line: string) => void;
  phase: Phase;
  signal: AbortSignal;
}

/** Engines load, agents report and the standby is proven within seconds here; more than this means that something is wrong. */
const READY_MS = 120_000;
const POLL_MS = 200;
const STREAMS = 20;

/**
 * `tandem drill run server-power` on the cluster that was just made, with one of its answers shown as it is written.
 *
 * @returns whether everything took no longer than it may and every token came once
 */
export async function drillOnCluster(plan: ServingPlan, { print, phase, signal }: ShowOptions): Promise<boolean> {
  const { record } = await stackAccess(plan.name);
  await phase("a failover would work", () => untilReady(plan.name, signal));
  print(`
POST ${record.baseUrl}/chat/completions
Answers are streamed by the gateway of this cluster. Then the power of a server is cut in the middle of them: it is one of
the group that serves, and its ${plan.layout.tensorParallel * plan.layout.pipelineParallel} ranks cannot go on without it. The engine is emulated: token i of an answer
is \`TAG-i\`, so that anybody sees one that is lost, doubled or foreign.`);
  const { runDrills } = await import("../drill/run.ts");
  try {
    const options = { stack: plan.name, streams: STREAMS, destructive: true, yes: true, show: true } as const;
    await runDrills("server-power", { ...options, output: "text" }, signal);
    return true;
  } catch (error) {
    // The drill has said why it failed; a refusal is said by whoever called.
    if (error instanceof Exit && !signal.aborted) return false;
    throw error;
  }
}

/** What the drill itself asks before it begins; here it is waited for. */
async function untilReady(stack: string, signal: AbortSignal): Promise<void> {
  const endMs = performance.now() + READY_MS;
  for (;;) {
    const against = [...(await gatewayAgainst(stack)), ...(await whatSpeaksAgainst(stack))];
    if (against.length === 0) return;
    if (performance.now() > endMs) throw new Error(`a failover would not work: ${against.join("; ")}`);
    await delay(POLL_MS, undefined, { signal });
  }
}
