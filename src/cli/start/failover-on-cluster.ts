import type { Arena } from "../../drill/arena.ts";
import type { Front } from "../../drill/front.ts";
import type { Engine } from "../../machines/local/engine.ts";
import type { ServingPlan } from "../../plan/serving-plan.ts";
import type { RehearsalReport } from "../../report/rehearsal.ts";
import { rehearsalSummary, timelineEntry } from "../../report/timeline.ts";
import { momentText } from "../rehearsal/moment-text.ts";
import { stackAccess } from "../stack-access.ts";
import type { Phase } from "../up/phases.ts";
import { showAnswer } from "./show-answer.ts";

export interface ShowOptions {
  print: (line: string) => void;
  phase: Phase;
  signal: AbortSignal;
}

/** Engines load and agents report within seconds here; more than this means that something is wrong. */
const READY_MS = 120_000;
const HEALED_MS = 240_000;
const STREAMS = 20;

/** Answers one prompt, then cuts the power of a server of the active group while twenty answers are being written. */
export async function failoverOnCluster(plan: ServingPlan, { print, phase, signal }: ShowOptions): Promise<boolean> {
  const { findEngine } = await import("../../machines/local/engine.ts");
  const { ClusterArena } = await import("../../drill/cluster/cluster-arena.ts");
  const { ClusterFront } = await import("../../drill/cluster/cluster-front.ts");
  const access = await stackAccess(plan.name);
  const engine = await findEngine();
  if (engine === undefined) throw new Error("the engine of the machines that were just made is gone");
  const { baseUrl } = access.record;
  const { apiKey, adminToken } = access;
  const arena = new ClusterArena(plan, engine);
  const admin = { url: access.admin.holder, token: adminToken };
  const front = new ClusterFront({ baseUrl, apiKey, admin, arena });
  try {
    await phase("both groups", () => front.ready({ timeoutMs: READY_MS, signal }));
    const prompt = "Why is the sky blue? answer=24";
    print(`\nPOST ${baseUrl}/chat/completions  (group ${front.active()} serves)\n> ${prompt}`);
    const write = (text: string) => void process.stdout.write(text);
    const firstMs = await showAnswer(plan, { baseUrl, apiKey }, { prompt, maxTokens: 64, write, signal });
    print(`first token after ${Math.round(firstMs)} ms. The engine is emulated: token i of an answer is \`TAG-i\`, so`);
    print("that anybody sees one that is lost, doubled or foreign.\n");
    const report = await powerCut(plan, engine, arena, front, print);
    print(`\n${rehearsalSummary(report)}\n`);
    // Kubernetes brings the group back once the server has power; until then no second fault may come.
    await phase("the broken group stands by again", () => front.ready({ timeoutMs: HEALED_MS, signal }));
    return report.passed;
  } finally {
    await front.stop();
    await engine.api.close();
  }
}

async function powerCut(
  plan: ServingPlan,
  engine: Engine,
  arena: Arena,
  front: Front,
  print: (line: string) => void,
): Promise<RehearsalReport> {
  const { rehearseFault } = await import("../../drill/rehearsal.ts");
  const { repair } = await import("../../drill/cluster/repair.ts");
  const began = performance.now();
  const seconds = () => (performance.now() - began) / 1000;
  let victim: string | undefined;
  try {
    return await rehearseFault(arena, front, {
      fault: "server-power",
      streams: STREAMS,
      tell: (moment) => {
        if (moment.kind === "fault") victim = moment.victim;
        const { text, detail } = momentText(moment);
        print(timelineEntry(seconds(), text, detail));
      },
    });
  } finally {
    if (victim !== undefined) {
      await repair(engine, plan.name, victim, "server-power");
      print(timelineEntry(seconds(), `${victim} has power again`));
    }
  }
}
