import { readFileSync, writeFileSync } from "node:fs";
import { AGENT_PROGRAMS } from "../../src/agent/programs.ts";
import type { AgentProcess, Machine } from "../agent/agent-process.ts";

/** The agent as it runs on a server, in one file. BENCH_AGENT names one that was bundled elsewhere. */
export async function bundledAgent(machine: Machine): Promise<string> {
  if (process.env.BENCH_AGENT !== undefined) return process.env.BENCH_AGENT;
  const [program] = AGENT_PROGRAMS;
  if (program === undefined) throw new Error("no program");
  const { bundleProgram } = await import("../../src/machines/images/bundle-program.ts");
  writeFileSync(machine.path("agent.cjs"), (await bundleProgram(program.entry, { format: "cjs" })).content);
  return machine.path("agent.cjs");
}

/** Its own time; that of its helpers is the driver's. Ticks of 10 ms. */
export function cpuSeconds({ child }: AgentProcess): number {
  const fields = readFileSync(`/proc/${child.pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** The most that it ever took. */
export function memoryMiB({ child }: AgentProcess): number {
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))?.[1]) / 1_024;
}
