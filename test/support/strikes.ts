import { readFileSync } from "node:fs";
import { join } from "node:path";
import { engineDir, tandemHome } from "../../src/machines/home.ts";
import { ensureEngine } from "../../src/machines/local/engine.ts";
import { cutPower } from "../../src/machines/local/faults.ts";
import { childrenOf, killIfThere } from "./kill-tree.ts";

/** Ends a command and, first, what it has started: `tandem up` with its Pulumi. */
export async function killWithChildren(pid: number): Promise<void> {
  for (const child of await childrenOf(pid)) killIfThere(child);
  killIfThere(pid);
}

/** A machine of a local stack loses its power. */
export async function killMachine(stack: string, machine: string): Promise<void> {
  const engine = await ensureEngine();
  await cutPower(engine, stack, machine);
  await engine.api.close();
}

/** The private container daemon of a home; it must have been started. */
export function daemonPid(home = tandemHome()): number {
  const record = readFileSync(join(engineDir(home), "daemon.json"), "utf8");
  return (JSON.parse(record) as { pid: number }).pid;
}

/** SIGKILL to the private container daemon; the machines run on. */
export function killDaemon(): void {
  killIfThere(daemonPid());
}
