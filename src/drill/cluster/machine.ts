import { readdir, readFile } from "node:fs/promises";
import { type ContainerInfo, inspectContainer } from "../../machines/local/container.ts";
import type { Engine } from "../../machines/local/engine.ts";
import { containerName } from "../../machines/local/labels.ts";
import { monotonicMs } from "../clock.ts";
import { type RankProcess, rankProcesses } from "./rank-processes.ts";

/** Where the agent of an emulated server looks for InfiniBand cards (`AGENT_SYS`). */
export const SYS = "run/tandem/sys";
/** What somebody set of its GPUs from outside (src/emulator/gpu/gpus.ts). */
export const GPU_OVERRIDES = "run/tandem/gpus.tsv";
export const API_SERVER = "etc/kubernetes/manifests/kube-apiserver.yaml";
export const ASIDE = "etc/kubernetes/kube-apiserver.yaml.drill";

/** Throws where there is no such machine, and where it is off. */
async function runningMachine(engine: Engine, stack: string, machine: string): Promise<ContainerInfo> {
  const container = await inspectContainer(engine.api, containerName(stack, machine));
  if (container === undefined || !container.State.Running) throw new Error(`machine ${machine} does not run`);
  return container;
}

/** The ranks that run on a machine. */
export async function ranksOf(engine: Engine, stack: string, machine: string): Promise<RankProcess[]> {
  return rankProcesses((await runningMachine(engine, stack, machine)).Id);
}

/** The files of a machine, seen from this computer. */
export async function rootOf(engine: Engine, stack: string, machine: string): Promise<string> {
  return `/proc/${(await runningMachine(engine, stack, machine)).State.Pid}/root`;
}

/** Processes on a machine whose command line has `program` in it, by the ids that this computer knows them under. */
export async function* programsOn(engine: Engine, stack: string, machine: string, program: string) {
  const container = await inspectContainer(engine.api, containerName(stack, machine));
  if (container === undefined) throw new Error(`there is no machine ${machine}`);
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    const of = (file: string) => readFile(`/proc/${pid}/${file}`, "utf8").catch(() => "");
    const [command, cgroup] = await Promise.all([of("cmdline"), of("cgroup")]);
    if (command.includes(program) && cgroup.includes(container.Id)) yield pid;
  }
}

/** Kills one of our programs, or the API server, on a machine, found by its command line. Throws if it does not run there. */
export async function killProgram(
  engine: Engine,
  stack: string,
  machine: string,
  program: string,
  isMeant: (pid: string) => Promise<boolean> = async () => true,
) {
  for await (const pid of programsOn(engine, stack, machine, program)) {
    if (!(await isMeant(pid))) continue;
    const atMs = monotonicMs();
    process.kill(Number(pid), "SIGKILL");
    return { atMs, what: `the process of ${program} on ${machine} was killed` };
  }
  throw new Error(`no ${program} runs on ${machine}`);
}
