import { appendFile, readFile, rename, writeFile } from "node:fs/promises";
import { hcasOf, setPort } from "../../emulator/gpu/infiniband.ts";
import { kmsgRecord, xidLine } from "../../emulator/gpu/kernel-log.ts";
import type { Engine } from "../../machines/local/engine.ts";
import type { ServingPlan } from "../../plan/serving-plan.ts";
import { isFaultClass } from "../../report/rehearsal.ts";
import type { Injected } from "../arena.ts";
import { monotonicMs } from "../clock.ts";
import type { ClusterArena } from "../cluster/cluster-arena.ts";
import { orderEngine } from "../cluster/engine-order.ts";
import { API_SERVER, ASIDE, GPU_OVERRIDES, killProgram, ranksOf, rootOf, SYS } from "../cluster/machine.ts";
import { pick } from "../pick.ts";
import { causeByApi, isApiCause, type Orders } from "./api-causes.ts";
import { undoOnCluster } from "./cluster-undo.ts";
import type { Caused } from "./drill-arena.ts";
import { killLeader } from "./kill-leader.ts";
import type { Cause } from "./scenario.ts";

export interface ClusterCause extends Orders {
  plan: ServingPlan;
  engine: Engine;
  arena: ClusterArena;
  victim: string;
  random: () => number;
}

const SLOW_FACTOR = 4;
const WEAR_LINES = 100;
const WEAR = { xid: 63, detail: "Row remapping event: row remapping pending.", gpu: 2 };

/** Does it to a machine of the local cluster, from outside as power and cables are; `undo` is what a person would do. */
export async function causeOnCluster(cause: Cause, what: ClusterCause): Promise<Caused> {
  const { plan, engine, arena, victim, random, service, order } = what;
  const undo = () => undoOnCluster(cause, { plan, engine, victim, service, order });
  if (isApiCause(cause)) return { ...(await causeByApi(cause, victim, { service, order })), undo };
  if (isFaultClass(cause)) return undoneWhenDone(await arena.inject(cause, victim, random), undo);
  switch (cause) {
    case "gpu-lost": {
      const injected = await arena.inject("gpu-xid", victim, random);
      const gpu = /^GPU (\d)/.exec(injected.what)?.[1] ?? "0";
      await writeFile(`${await rootOf(engine, plan.name, victim)}/${GPU_OVERRIDES}`, `${gpu}\tlost\t1\n`);
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
      const killed = await killLeader(plan, service.client, (machine, leader) => {
        const isLeader = async (pid: string) => {
          const pod = (await readFile(`/proc/${pid}/root/etc/hostname`, "utf8").catch(() => "")).trim();
          return pod !== "" && leader.startsWith(`${pod}-`);
        };
        return killProgram(engine, plan.name, machine, "tandem-reconciler", isLeader);
      });
      return { ...killed, undo };
    }
    case "api-server-down": {
      const [machine = ""] = Object.keys(plan.spec.controlPlane);
      const root = await rootOf(engine, plan.name, machine);
      const atMs = monotonicMs();
      await rename(`${root}/${API_SERVER}`, `${root}/${ASIDE}`);
      await killProgram(engine, plan.name, machine, "kube-apiserver");
      return { atMs, what: `the API server on ${machine} was taken away and killed`, undo };
    }
    case "ib-down": {
      const ranks = await ranksOf(engine, plan.name, victim);
      const sys = `${await rootOf(engine, plan.name, victim)}/${SYS}`;
      const device = pick(hcasOf(sys), random);
      const atMs = monotonicMs();
      setPort(sys, device, "down");
      // Collectives that cross it wait for data that never comes; here nothing crosses it, so they are told to.
      await orderEngine(ranks, { fault: "hang" });
      return { atMs, what: `port ${device}/1 went down, and its ranks wait for the others`, undo };
    }
    case "slow-server": {
      const ranks = await ranksOf(engine, plan.name, victim);
      const atMs = monotonicMs();
      await orderEngine(ranks, { fault: "slow", factor: SLOW_FACTOR });
      return { atMs, what: `its steps take ${SLOW_FACTOR} times as long`, undo };
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
