import { readFileSync, writeFileSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { loadPlan } from "../../src/cli/load-plan.ts";
import { stackAccess } from "../../src/cli/stack-access.ts";
import { streamChat } from "../../src/cli/stream-chat.ts";
import { ensureEngine } from "../../src/machines/local/engine.ts";
import { idleCost } from "../support/cluster-cpu.ts";
import { GATE, type GateStack, gateStack } from "../support/gate-stack.ts";
import { machineMemoryMiB } from "../support/machine-memory.ts";
import { idleCpuPercent } from "../support/own-cpu.ts";
import type { Bench, Measurement } from "./bench.ts";

/** The local cluster from nothing: how soon it serves, and what a second run, one more server and its end cost. */
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
    const memory = await machineMemoryMiB(engine, GATE);
    // Before the sixth machine: the limits are those of five.
    const { withUs, without } = await idleCost(engine, GATE, stack.kube().client);
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
      {
        what: "idle CPU of our parts, of one core",
        measured: idle,
        limit: 15,
        unit: "%",
        how: "over 60 s, without emulated tools",
      },
      {
        what: "idle CPU of the same machines against those without our parts, of one core",
        measured: withUs - without,
        limit: 15,
        unit: "%",
        how: `${withUs.toFixed(1)} and ${without.toFixed(1)} over 60 s each, with emulated tools and what Kubernetes does for us`,
      },
      { what: "memory of the five machines", measured: memory, limit: 2560, unit: "MiB", how: "one look, by cgroup" },
    ];
  } finally {
    await stack.tandem(["down", stack.spec]);
    stack.end();
    await engine.api.close();
  }
};

async function succeed(stack: GateStack, args: string[]): Promise<string> {
  const began = performance.now();
  const { exitCode, text } = await stack.tandem(args);
  process.stderr.write(
    `  tandem ${args[0]}: ${((performance.now() - began) / 1000).toFixed(1)} s, of that Pulumi ${pulumiSeconds(text)} s\n`,
  );
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
