import { appendFile, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { kmsgRecord, xidLine } from "../../emulator/gpu/kernel-log.ts";
import { inspectContainer } from "../../machines/local/container.ts";
import type { Engine } from "../../machines/local/engine.ts";
import { containerName } from "../../machines/local/labels.ts";
import type { ServingPlan } from "../../plan/serving-plan.ts";
import type { Injected } from "../arena.ts";
import { monotonicMs } from "../clock.ts";
import { releaseAsBefore, releaseBadly, releaseReached, type ServiceAt } from "../cluster/bad-release.ts";
import type { ClusterArena } from "../cluster/cluster-arena.ts";
import { orderEngine } from "../cluster/engine-order.ts";
import { rankProcesses } from "../cluster/rank-processes.ts";
import { repair } from "../cluster/repair.ts";
import type { Caused } from "./drill-arena.ts";
import type { Cause } from "./scenario.ts";

export interface ClusterCause {
  plan: ServingPlan;
  engine: Engine;
  arena: ClusterArena;
  victim: string;
  random: () => number;
  /** The ModelService, for what is done to a release. */
  service: ServiceAt;
  switchover(target: string): Promise<void>;
}

/** A standby is stopped and started with what it is given within seconds. */
const RELEASE_MS = 60_000;
const SLOW_FACTOR = 4;
const WEAR_LINES = 100;
const WEAR = { xid: 63, detail: "Row remapping event: row remapping pending.", gpu: 2 };
const API_SERVER = "etc/kubernetes/manifests/kube-apiserver.yaml";
const ASIDE = "etc/kubernetes/kube-apiserver.yaml.drill";

/** Does it to a machine of the local cluster, from outside as power and cables are; `undo` is what a person would do. */
export async function causeOnCluster(cause: Cause, what: ClusterCause): Promise<Caused> {
  const { plan, engine, arena, victim, random, service } = what;
  const undo = () => undoOnCluster(cause, { plan, engine, victim, service });
  switch (cause) {
    case "server-power":
    case "server-freeze":
    case "network-cut":
    case "rank-crash":
    case "engine-hang":
    case "gpu-xid":
      return undoneWhenDone(await arena.inject(cause, victim, random), undo);
    case "gpu-lost": {
      const injected = await arena.inject("gpu-xid", victim, random);
      const gpu = /^GPU (\d)/.exec(injected.what)?.[1] ?? "0";
      await writeFile(`${await rootOf(engine, plan.name, victim)}/run/tandem/gpus.tsv`, `${gpu}\tlost\t1\n`);
      return { ...injected, undo };
    }
    case "ecc-storm": {
      const log = `${await rootOf(engine, plan.name, victim)}/dev/kmsg`;
      const sequence = (await readFile(log, "utf8")).split("\n").length;
      const lines = Array.from({ length: WEAR_LINES }, (_, at) =>
        kmsgRecord(sequence + at, monotonicMs() * 1_000, xidLine(WEAR)),
      );
      await appendFile(log, lines.join(""));
      const injected = await arena.inject("gpu-xid", victim, random);
      return { ...injected, what: `${WEAR_LINES} lines of wear, then ${injected.what}`, undo };
    }
    case "gateway-kill":
      return { ...(await killProgram(engine, plan.name, victim, "tandem-gateway")), undo };
    case "reconciler-kill": {
      for (const machine of Object.keys({ ...plan.spec.controlPlane, ...plan.spec.servers })) {
        const killed = await killProgram(engine, plan.name, machine, "tandem-reconciler").catch(() => null);
        if (killed !== null) return { ...killed, undo };
      }
      throw new Error("no reconciler runs on any machine");
    }
    case "api-server-down": {
      const [machine = ""] = Object.keys(plan.spec.controlPlane);
      const root = await rootOf(engine, plan.name, machine);
      const atMs = monotonicMs();
      await rename(`${root}/${API_SERVER}`, `${root}/${ASIDE}`);
      await killProgram(engine, plan.name, machine, "kube-apiserver");
      return { atMs, what: `the API server on ${machine} was taken away and killed`, undo };
    }
    case "switchover": {
      const atMs = monotonicMs();
      await what.switchover(victim);
      return { atMs, what: `a move to group ${victim} was asked for`, undo };
    }
    case "ib-down": {
      const ranks = await ranksOf(engine, plan.name, victim);
      const atMs = monotonicMs();
      await orderEngine(ranks, { fault: "hang" });
      return {
        atMs,
        what: "its ranks wait for data that never comes, as they do when an InfiniBand port is down",
        undo,
      };
    }
    case "slow-server": {
      const ranks = await ranksOf(engine, plan.name, victim);
      const atMs = monotonicMs();
      await orderEngine(ranks, { fault: "slow", factor: SLOW_FACTOR });
      return { atMs, what: `its steps take ${SLOW_FACTOR} times as long`, undo };
    }
    case "bad-release": {
      const atMs = monotonicMs();
      const revision = await releaseBadly(service);
      const shown = () => releaseReached(service, revision, RELEASE_MS);
      return { atMs, what: `revision ${revision} was released, whose engine does not start`, undo, shown };
    }
  }
}

function undoneWhenDone(injected: Injected, undo: () => Promise<void>): Caused {
  const settled = async () => {
    // One that failed half-way is undone all the same.
    await Promise.resolve(injected.done).catch(() => {});
    await undo();
  };
  return { ...injected, undo: settled };
}

/** Undoes a cause, also one of a drill that was killed: nothing but its name and its victim need be known. */
export async function undoOnCluster(
  cause: Cause,
  { plan, engine, victim, service }: Pick<ClusterCause, "plan" | "engine" | "victim" | "service">,
): Promise<void> {
  switch (cause) {
    case "gpu-lost":
    case "ecc-storm":
      await repair(engine, plan.name, victim, "gpu-xid");
      await writeFile(`${await rootOf(engine, plan.name, victim)}/run/tandem/gpus.tsv`, "").catch(() => {});
      return;
    case "ib-down":
    case "slow-server": {
      // A group that was put together anew in between has forgotten the order.
      const ranks = await ranksOf(engine, plan.name, victim).catch(() => []);
      if (ranks.length > 0) await orderEngine(ranks, { fault: "clear" }).catch(() => {});
      return;
    }
    case "bad-release":
      return releaseAsBefore(service);
    case "api-server-down": {
      const root = await rootOf(engine, plan.name, Object.keys(plan.spec.controlPlane)[0] ?? "");
      await rename(`${root}/${ASIDE}`, `${root}/${API_SERVER}`).catch(() => {});
      return;
    }
    case "server-power":
    case "server-freeze":
    case "network-cut":
    case "rank-crash":
    case "engine-hang":
    case "gpu-xid":
      return repair(engine, plan.name, victim, cause);
    default:
      // Programs are started again by Kubernetes, and a planned move is no damage.
      return;
  }
}

async function ranksOf(engine: Engine, stack: string, machine: string) {
  const container = await inspectContainer(engine.api, containerName(stack, machine));
  if (container === undefined || !container.State.Running) throw new Error(`machine ${machine} does not run`);
  return rankProcesses(container.Id);
}

/** The files of a machine, seen from this computer. */
async function rootOf(engine: Engine, stack: string, machine: string): Promise<string> {
  const container = await inspectContainer(engine.api, containerName(stack, machine));
  if (container === undefined || !container.State.Running) throw new Error(`machine ${machine} does not run`);
  return `/proc/${container.State.Pid}/root`;
}

/** Kills one of our programs, or the API server, on a machine, found by its command line. */
async function killProgram(engine: Engine, stack: string, machine: string, program: string) {
  const container = await inspectContainer(engine.api, containerName(stack, machine));
  if (container === undefined) throw new Error(`there is no machine ${machine}`);
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    const of = (file: string) => readFile(`/proc/${pid}/${file}`, "utf8").catch(() => "");
    const [command, cgroup] = await Promise.all([of("cmdline"), of("cgroup")]);
    if (!command.includes(program) || !cgroup.includes(container.Id)) continue;
    const atMs = monotonicMs();
    process.kill(Number(pid), "SIGKILL");
    return { atMs, what: `the process of ${program} on ${machine} was killed` };
  }
  throw new Error(`no ${program} runs on ${machine}`);
}
