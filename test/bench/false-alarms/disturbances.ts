import { setTimeout as sleep } from "node:timers/promises";
import { pick } from "../../../src/drill/pick.ts";
import type { EmulatedServer } from "../../../src/drill/world/emulated-server.ts";
import type { World } from "../../../src/drill/world/world.ts";
import { burnCores, kernelNoise } from "../noise.ts";

/** Something that happens to a sound system and is no fault of it. Resolves when it is over. */
export type Disturbance = (world: World, active: string) => Promise<void>;

const CUT_MS = 3000;
const STALL_MS = 4000;

const anyServer = (world: World): EmulatedServer => pick(world.servers, Math.random);
const leaderOf = (world: World, group: string): EmulatedServer => {
  const leader = world.groups.find(({ id }) => id === group)?.servers[0];
  if (leader === undefined) throw new Error(`no group ${group}`);
  return leader;
};

export const DISTURBANCES: Readonly<Record<string, Disturbance>> = {
  "both cores busy for 3 s": burnCores,

  "log noise, XIDs that are no fault": async (world) => {
    const server = anyServer(world);
    for (const line of kernelNoise()) server.appendKernelLine(line);
  },

  "an agent restarted": (world) => world.restartAgent(anyServer(world), Math.random() < 0.5 ? "SIGTERM" : "SIGKILL"),

  "the management link cut for 3 s": async (world) => {
    const { name } = anyServer(world);
    await world.network.cut(name, "management");
    await sleep(CUT_MS);
    await world.network.mend(name, { link: "management", reset: false });
  },

  "a prefill that stalls for 4 s": async (world, active) => {
    const leader = leaderOf(world, active);
    await leader.order({ fault: "hang" });
    await sleep(STALL_MS);
    await leader.order({ fault: "clear" });
  },
};

/** Not at once with a stall: a silent server whose group writes nothing is what a fault looks like. */
const ALONE = ["the management link cut for 3 s", "a prefill that stalls for 4 s", "an agent restarted"];

/**
 * Disturbs until `signal`, each kind about every `everyMs`, several at once where that is no fault either. Returns how often
 * each kind came.
 */
export async function disturb(
  world: World,
  active: () => string,
  everyMs: number,
  signal: AbortSignal,
): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  let turn = Promise.resolve();
  const lone = (act: () => Promise<void>): Promise<void> => {
    turn = turn.then(act);
    return turn;
  };
  const again = async (name: string, act: Disturbance): Promise<void> => {
    while (!signal.aborted) {
      // Never in step with each other or with any timer.
      await sleep(everyMs * (0.5 + Math.random()), undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
      const run = () => act(world, active());
      await (ALONE.includes(name) ? lone(run) : run());
      counts[name] = (counts[name] ?? 0) + 1;
    }
  };
  await Promise.all(Object.entries(DISTURBANCES).map(([name, act]) => again(name, act)));
  return counts;
}
