import { xidLine } from "../../emulator/gpu/kernel-log.ts";
import type { FaultClass } from "../../report/rehearsal.ts";
import type { Injected } from "../arena.ts";
import { monotonicMs } from "../clock.ts";
import { LOST_GPU } from "../lost-gpu.ts";
import { pick } from "../pick.ts";
import type { EmulatedServer } from "./emulated-server.ts";
import type { World } from "./world.ts";

type Injector = (world: World, victim: EmulatedServer, random: () => number) => Promise<Injected>;

const INJECTORS: Record<FaultClass, Injector> = {
  "server-power": async (world, victim) => {
    // The cable first: a kernel that closes the sockets of its dead processes would tell their peers.
    const atMs = await world.network.cut(victim.name);
    victim.signal("SIGKILL");
    return { atMs, what: "its cable went silent first, then its engine, its ranks and its agent were killed" };
  },
  "network-cut": async (world, victim) => ({
    atMs: await world.network.cut(victim.name),
    what: "its cable was pulled; everything on it keeps running",
  }),
  "server-freeze": async (_world, victim) => {
    const atMs = monotonicMs();
    victim.signal("SIGSTOP");
    return { atMs, what: "every process on it was stopped; its kernel still answers for open sockets" };
  },
  "rank-crash": async (_world, victim, random) => {
    const { rank, pid } = pick(await victim.ranks(), random);
    const atMs = monotonicMs();
    process.kill(pid, "SIGKILL");
    return { atMs, what: `the process of rank ${rank} was killed` };
  },
  "gpu-xid": async (_world, victim, random) => {
    const ranks = await victim.ranks();
    const gpu = Math.floor(random() * ranks.length);
    const { rank, pid } = ranks[gpu] as { rank: number; pid: number };
    const atMs = victim.appendKernelLine(xidLine({ ...LOST_GPU, gpu }));
    // A rank whose GPU is gone never finishes its step.
    process.kill(pid, "SIGSTOP");
    return { atMs, what: `GPU ${gpu} fell off the bus (XID ${LOST_GPU.xid}) and rank ${rank} hangs` };
  },
  "engine-hang": async (_world, victim) => {
    const atMs = monotonicMs();
    await victim.order({ fault: "hang" });
    return { atMs, what: "its ranks stopped making progress, with every socket open" };
  },
};

/** Causes a fault of a class on a server. Everything that is not the fault itself is prepared before its time is taken. */
export function inject(
  fault: FaultClass,
  world: World,
  victim: EmulatedServer,
  random: () => number = Math.random,
): Promise<Injected> {
  return INJECTORS[fault](world, victim, random);
}
