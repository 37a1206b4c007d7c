import type { DrillGround } from "../../src/cli/drill/ground.ts";
import { clusterGround } from "../../src/cli/drill/ground-cluster.ts";
import { playDrill } from "../../src/cli/drill/play.ts";
import { scenarioOf } from "../../src/drill/scenarios/catalogue.ts";
import { redundantAgain } from "../../src/drill/scenarios/readiness.ts";
import type { DrillReport, ScenarioName } from "../../src/report/drill.ts";

const REDUNDANT_MS = 240_000;

/** One drill as `tandem drill run` plays it, once a failover would work; and how long it took with its repair. */
export async function gateDrill(
  stack: string,
  name: ScenarioName,
  { overSsh = false } = {},
): Promise<{ report: DrillReport; seconds: number }> {
  const { signal } = new AbortController();
  const work = async (ground: DrillGround) => {
    const began = performance.now();
    const options = { stack, streams: 20, destructive: true, yes: true, output: "text" } as const;
    const report = await playDrill(ground, scenarioOf(name, "cluster"), options, { say: () => {}, signal });
    return { report, seconds: (performance.now() - began) / 1000 };
  };
  return onGround(stack, work, { overSsh });
}

/** `work` on a stack at which a failover would work: by its gateways, and by its reconciler. */
export async function onGround<Result>(
  stack: string,
  work: (ground: DrillGround) => Promise<Result>,
  { overSsh = false } = {},
): Promise<Result> {
  const open = () => clusterGround(stack, new AbortController().signal, () => {}, { overSsh });
  let ground = await open();
  try {
    await untilRedundant(ground);
    if (ground.arena.front.active() === "") {
      // It was opened too early to follow the gateway.
      await ground.close();
      ground = await open();
    }
    return await work(ground);
  } finally {
    await ground.close();
  }
}

/** @throws Error with what speaks against it */
export async function untilRedundant({ arena }: DrillGround): Promise<void> {
  if ((await redundantAgain(arena, REDUNDANT_MS)) !== null) return;
  throw new Error(`no failover would work: ${(await arena.readiness()).against.join("; ")}`);
}
