import { appendFileSync, readFileSync } from "node:fs";
import { kmsgRecord, xidLine } from "../../emulator/gpu/kernel-log.ts";
import type { Engine } from "../../machines/local/engine.ts";
import { cutPower, freeze, unplug } from "../../machines/local/faults.ts";
import type { ServingPlan } from "../../plan/serving-plan.ts";
import type { FaultClass } from "../../report/rehearsal.ts";
import type { Arena, Injected, SeenRequest } from "../arena.ts";
import { monotonicMs } from "../clock.ts";
import { LOST_GPU } from "../lost-gpu.ts";
import { pick } from "../pick.ts";
import { ranksOf, rootOf } from "./machine.ts";
import type { RankProcess } from "./rank-processes.ts";

/** The local cluster as a place for faults: done to the machines from outside, as power and cables are. */
export class ClusterArena implements Arena {
  readonly plan: ServingPlan;
  readonly groups: readonly { id: string; servers: readonly { name: string }[] }[];
  onRequest: (request: SeenRequest) => void = () => {};
  readonly #engine: Engine;

  constructor(plan: ServingPlan, engine: Engine) {
    this.plan = plan;
    this.#engine = engine;
    this.groups = groupsOf(plan);
  }

  async inject(fault: FaultClass, victim: string, random: () => number): Promise<Injected> {
    const { name: stack } = this.plan;
    const engine = this.#engine;
    switch (fault) {
      case "server-power":
        return this.#cutPower(victim);
      case "server-freeze":
        return at(freeze(engine, stack, victim), "every process on it was frozen; its kernel still answers");
      case "network-cut":
        return at(unplug(engine, stack, victim), "its cable was pulled; everything on it keeps running");
      case "rank-crash": {
        const { rank, pid } = pick(await this.#ranks(victim), random);
        const atMs = monotonicMs();
        process.kill(pid, "SIGKILL");
        return { atMs, what: `the process of rank ${rank} was killed` };
      }
      case "gpu-xid": {
        const ranks = await this.#ranks(victim);
        const kernelLog = `${await rootOf(engine, stack, victim)}/dev/kmsg`;
        const gpu = Math.floor(random() * ranks.length);
        const { rank, pid } = ranks[gpu] as RankProcess;
        const sequence = readFileSync(kernelLog, "utf8").split("\n").length;
        const atMs = monotonicMs();
        appendFileSync(kernelLog, kmsgRecord(sequence, atMs * 1_000, xidLine({ ...LOST_GPU, gpu })));
        // A rank whose GPU is gone never finishes its step.
        process.kill(pid, "SIGSTOP");
        return { atMs, what: `GPU ${gpu} fell off the bus (XID ${LOST_GPU.xid}) and rank ${rank} hangs` };
      }
      case "engine-hang": {
        const ranks = await this.#ranks(victim);
        const atMs = monotonicMs();
        for (const { pid } of ranks) process.kill(pid, "SIGSTOP");
        return { atMs, what: "its ranks stopped making progress, with every socket open" };
      }
    }
  }

  /** Told as soon as nobody hears the server any more, as people see it, and not when the last process is dead. */
  async #cutPower(victim: string): Promise<Injected> {
    const silent = Promise.withResolvers<{ startedAtMs: number; doneAtMs: number }>();
    const done = cutPower(this.#engine, this.plan.name, victim, (startedAtMs) =>
      silent.resolve({ startedAtMs, doneAtMs: startedAtMs }),
    );
    done.then(silent.resolve, silent.reject);
    return { ...(await at(silent.promise, "its cable went silent first, then every process on it was killed")), done };
  }

  async #ranks(machine: string): Promise<RankProcess[]> {
    const ranks = await ranksOf(this.#engine, this.plan.name, machine);
    if (ranks.length === 0) throw new Error(`no rank runs on ${machine}`);
    return ranks;
  }
}

/** The groups of a plan, as an arena has them. */
export function groupsOf({ groups }: ServingPlan): Arena["groups"] {
  return Object.values(groups).map(({ id, servers }) => ({ id, servers: servers.map((name) => ({ name })) }));
}

/** The injector's own time stamp, on the clock that the client uses. */
async function at(injection: Promise<{ startedAtMs: number; doneAtMs: number }>, what: string): Promise<Injected> {
  const { startedAtMs } = await injection;
  return { atMs: startedAtMs - Date.now() + monotonicMs(), what };
}
