import { readdir, readFile } from "node:fs/promises";
import { inspectContainer } from "../../src/machines/local/container.ts";
import type { Engine } from "../../src/machines/local/engine.ts";
import { containerName } from "../../src/machines/local/labels.ts";

/** Processes on a machine whose command line has `program` in it, by the ids that this computer knows them under. */
export async function programsOn(engine: Engine, stack: string, machine: string, program: string): Promise<number[]> {
  const container = await inspectContainer(engine.api, containerName(stack, machine));
  if (container === undefined) throw new Error(`there is no machine ${machine}`);
  const found: number[] = [];
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    const of = (file: string) => readFile(`/proc/${pid}/${file}`, "utf8").catch(() => "");
    const [command, cgroup] = await Promise.all([of("cmdline"), of("cgroup")]);
    if (command.includes(program) && cgroup.includes(container.Id)) found.push(Number(pid));
  }
  return found;
}
