import { appendFile, readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { monotonicMs } from "../../../src/drill/clock.ts";
import { killProgram, programsOn, rootOf } from "../../../src/drill/cluster/machine.ts";
import type { DrillArena } from "../../../src/drill/scenarios/drill-arena.ts";
import { kmsgRecord } from "../../../src/emulator/gpu/kernel-log.ts";
import type { Engine } from "../../../src/machines/local/engine.ts";
import { openRemote } from "../../../src/machines/server/remote.ts";
import type { SshTarget } from "../../../src/machines/server/target.ts";
import { burnCores, kernelNoise } from "../noise.ts";

export interface Ground {
  stack: string;
  engine: Engine;
  arena: DrillArena;
  /** The ways to all servers of the stack, the control plane too. */
  targets: readonly SshTarget[];
  controlPlane: string;
}

export interface Disturbance {
  name: string;
  /** Resolves when it is over; what it took away is back then. */
  run(ground: Ground): Promise<void>;
}

const EVERY_MS = 10_000;
/** Longer than an election of etcd, shorter than what makes the kubelet start it anew (8 probes, 10 s apart). */
const ETCD_MS = 60_000;
/** Well past the lease (6 s). */
const RECONCILER_MS = 20_000;
/** What happens to a sound cluster and is no fault of a group. */
export function disturbances(apiAwayMs: number): Disturbance[] {
  return [
    { name: "both cores busy for 3 s, three times", run: () => repeat([1, 2, 3], burnCores) },
    { name: "log noise and harmless XIDs on every server", run: (ground) => repeat(workers(ground), noise(ground)) },
    {
      name: "every kubelet restarted",
      run: (ground) => repeat(ground.targets, (target) => onServer(target, "systemctl restart kubelet")),
    },
    {
      name: "every agent killed",
      run: ({ engine, stack, ...ground }) =>
        repeat(workers(ground), async ({ name }) => void (await killProgram(engine, stack, name, "tandem-agent"))),
    },
    {
      name: `every reconciler stopped for ${RECONCILER_MS / 1_000} s, past its lease`,
      run: (ground) => stopped(ground, ground.targets, "tandem-reconciler", RECONCILER_MS),
    },
    {
      name: `etcd stopped for ${ETCD_MS / 1_000} s`,
      run: (ground) => {
        const on = ground.targets.filter(({ name }) => name === ground.controlPlane);
        return stopped(ground, on, "etcd\u0000--", ETCD_MS);
      },
    },
    { name: `no API server for ${apiAwayMs / 60_000} min`, run: ({ arena }) => apiAway(arena, apiAwayMs) },
  ];
}

const workers = ({ targets, controlPlane }: Pick<Ground, "targets" | "controlPlane">) =>
  targets.filter(({ name }) => name !== controlPlane);

async function repeat<Item>(items: readonly Item[], each: (item: Item) => Promise<void>): Promise<void> {
  for (const item of items) {
    await each(item);
    await sleep(EVERY_MS);
  }
}

const noise =
  ({ engine, stack }: Ground) =>
  async ({ name }: SshTarget): Promise<void> => {
    const log = `${await rootOf(engine, stack, name)}/dev/kmsg`;
    const sequence = (await readFile(log, "utf8")).split("\n").length;
    const nowUs = monotonicMs() * 1_000;
    await appendFile(
      log,
      kernelNoise()
        .map((text, at) => kmsgRecord(sequence + at, nowUs, text))
        .join(""),
    );
  };

async function onServer(target: SshTarget, command: string): Promise<void> {
  const remote = openRemote(target);
  try {
    await remote.run(command);
  } finally {
    await remote.close();
  }
}

/** Stops every process of a program, and wakes the same ones again. */
async function stopped(
  { engine, stack }: Ground,
  on: readonly SshTarget[],
  program: string,
  ms: number,
): Promise<void> {
  const found = on.map(({ name }) => Array.fromAsync(programsOn(engine, stack, name, program), Number));
  const pids = (await Promise.all(found)).flat();
  if (pids.length === 0) throw new Error(`no ${program} runs`);
  try {
    for (const pid of pids) process.kill(pid, "SIGSTOP");
    await sleep(ms);
  } finally {
    for (const pid of pids) process.kill(pid, "SIGCONT");
  }
}

async function apiAway(arena: DrillArena, ms: number): Promise<void> {
  const away = await arena.cause("api-server-down", "", Math.random);
  try {
    await sleep(ms);
  } finally {
    await away.undo();
  }
}
