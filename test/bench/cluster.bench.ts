import { readFileSync, writeFileSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { loadPlan } from "../../src/cli/load-plan.ts";
import { stackAccess } from "../../src/cli/stack-access.ts";
import { streamChat } from "../../src/cli/stream-chat.ts";
import { BUDGETS } from "../../src/drill/budgets.ts";
import { percentile } from "../../src/drill/timing.ts";
import { ensureEngine } from "../../src/machines/local/engine.ts";
import { FAULT_CLASSES } from "../../src/report/rehearsal.ts";
import { gateDrill } from "../support/gate-drill.ts";
import { GATE, type GateStack, gateStack } from "../support/gate-stack.ts";
import { idleCpuPercent } from "../support/own-cpu.ts";
import type { Bench, Measurement } from "./bench.ts";

/** Faults of each class; each costs half a minute with its repair. */
const RUNS = Number(process.env.BENCH_RUNS ?? 3);

/** The local cluster from nothing: how soon it serves, what a second run costs, how soon streams go on after a fault. */
export const bench: Bench = async () => {
  const stack = gateStack();
  const engine = await ensureEngine();
  try {
    await succeed(stack, ["down", stack.spec]);
    const began = performance.now();
    const up = await succeed(stack, ["up", stack.spec]);
    await firstToken(stack);
    const token = (performance.now() - began) / 1000;
    const again = await succeed(stack, ["up", stack.spec]);
    const idle = await idleCpuPercent(GATE, stack.kube().client);
    const faults = await failovers();
    withOneMoreServer(stack);
    const more = await succeed(stack, ["up", stack.spec]);
    const down = await succeed(stack, ["down", stack.spec]);
    const once = (what: string, measured: number, limit: number): Measurement => {
      return { what, measured, limit, unit: "s", how: "one run" };
    };
    return [
      once("from nothing to the first token, caches warm", token, 75),
      once("of that, pulumi up", pulumiSeconds(up), 60),
      once("a second pulumi up", pulumiSeconds(again), 5),
      once("one more server, pulumi up", pulumiSeconds(more), 20),
      once("pulumi destroy", pulumiSeconds(down), 15),
      { what: "idle CPU of our parts, of one core", measured: idle, limit: 15, unit: "%", how: "over 60 s, by cgroup" },
      ...faults,
    ];
  } finally {
    await stack.tandem(["down", stack.spec]);
    stack.end();
    await engine.api.close();
  }
};

async function succeed(stack: GateStack, args: string[]): Promise<string> {
  const { exitCode, text } = await stack.tandem(args);
  if (exitCode !== 0) throw new Error(`tandem ${args.join(" ")} ended with ${exitCode}:\n${text.slice(-2000)}`);
  return text;
}

/** As the command itself printed it; 0 where there was nothing for Pulumi to do. */
function pulumiSeconds(text: string): number {
  return Number(/pulumi (?:up|destroy): done in ([\d.]+) s/.exec(text)?.[1] ?? 0);
}

async function firstToken(stack: GateStack): Promise<void> {
  const { plan } = loadPlan(stack.spec);
  const { record, apiKey } = await stackAccess(GATE);
  const request = { baseUrl: record.baseUrl, apiKey, model: plan.model.servedName, prompt: "answer=3", maxTokens: 3 };
  for await (const { content } of streamChat(request)) if (content !== "") return;
}

/** A spare: prepared and joined, in no group. */
function withOneMoreServer(stack: GateStack): void {
  const text = readFileSync(stack.spec, "utf8");
  const added = text.replace(
    "controlPlane:",
    "  gpu-e: { address: 10.232.0.15, failureDomain: { rack: r3 } }\nspares: [gpu-e]\ncontrolPlane:",
  );
  if (added === text) throw new Error("the spec has no place for one more server");
  writeFileSync(stack.spec, added);
}

async function failovers(): Promise<Measurement[]> {
  const measurements: Measurement[] = [];
  for (const fault of FAULT_CLASSES) {
    const seconds: number[] = [];
    let wrong = 0;
    for (let run = 0; run < RUNS; run++) {
      const { report } = await gateDrill(GATE, fault);
      const next = report.phases.find(({ phase }) => phase === "next token")?.seconds;
      seconds.push(next ?? Number.POSITIVE_INFINITY);
      wrong += report.streams.streams - report.streams.perfect;
    }
    const how = `${RUNS} runs of 20 streams`;
    const { p50, max } = BUDGETS[fault];
    measurements.push(
      { what: `${fault}: next token, p50`, measured: percentile(seconds, 0.5), limit: p50, unit: "s", how },
      { what: `${fault}: next token, max`, measured: Math.max(...seconds), limit: max, unit: "s", how },
      { what: `${fault}: streams that were not perfect`, measured: wrong, limit: 0, unit: "streams", how },
    );
  }
  return measurements;
}
