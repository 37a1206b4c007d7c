import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import type { Listener } from "../../agent/agent-process.ts";
import { type Measurement, median } from "../bench.ts";
import { CudaEngine } from "./cuda-engine.ts";

/** GPU memory of a rank, of which a driver has to let go when it is killed. SGLang takes nine tenths. */
const RANK_GIB = Number(process.env.BENCH_RANK_GIB ?? 60);

/** What tells this run's engine from others, and where it may write. */
export interface Stage {
  mark: string;
  folder: string;
}

/**
 * A rank that holds most of a GPU's memory is killed, or crashes and writes its core → the frame; and how long the
 * kernel then needs until the process is gone, and the driver until its memory is free.
 */
export async function rankEnds(
  listener: Listener,
  { mark, folder }: Stage,
  signal: "SIGKILL" | "SIGSEGV",
  runs: number,
) {
  const times = { seen: [] as number[], gone: [] as number[], free: [] as number[] };
  for (let run = 0; run < runs; run++) {
    await using engine = await CudaEngine.start(mark, RANK_GIB, folder);
    const { pid } = engine;
    await listener.heard({ kind: "rank", pid, state: "running" });
    const beganMs = performance.now();
    process.kill(pid, signal);
    const [exit, history, freeMs] = await Promise.all([
      listener.heard({ kind: "rank", pid, state: "exited" }, 120_000),
      burial(pid),
      memoryFree(),
    ]);
    times.seen.push(exit.atMs - beganMs);
    times.gone.push((history.at(-1)?.atMs ?? Number.NaN) - beganMs);
    times.free.push(freeMs - beganMs);
    const steps = history.map(({ atMs, state }) => `${state} at ${(atMs - beganMs).toFixed(0)} ms`);
    process.stdout.write(`${signal}: ${steps.join(", ")}\n`);
  }
  const row = (what: string, list: number[], limit: number): Measurement => ({
    what: `${signal} to a rank with ${RANK_GIB} GiB → ${what}`,
    measured: Math.max(...list),
    limit,
    unit: "ms",
    how: `longest of ${list.length}, median ${median(list).toFixed(0)} ms`,
  });
  // What the kernel and the driver need is theirs: the limits only tell that something is very wrong.
  return [
    row("frame", times.seen, 50),
    row("process gone", times.gone, 120_000),
    row("memory of the GPU free", times.free, 120_000),
  ];
}

/** When the driver counts less than a GiB as used; its answer takes 30 ms and more. */
async function memoryFree(): Promise<number> {
  for (;;) {
    const { stdout } = await execa("nvidia-smi", ["--query-gpu=memory.used", "--format=csv,noheader,nounits"]);
    if (stdout.split("\n").every((mib) => Number(mib) < 1_024)) return performance.now();
  }
}

/** States and flags of a process until it is gone, one entry a change. */
async function burial(pid: number): Promise<{ state: string; atMs: number }[]> {
  const history: { state: string; atMs: number }[] = [];
  for (;;) {
    let state = "gone";
    try {
      const text = readFileSync(`/proc/${pid}/task/${pid}/stat`, "utf8");
      const [letter, , , , , , flags] = text.split(") ").at(-1)?.split(" ") ?? [];
      // include/linux/sched.h: PF_EXITING 0x4, PF_DUMPCORE 0x200, PF_SIGNALED 0x400.
      const words = Object.entries({ exiting: 0x4, dumping: 0x200, signaled: 0x400 }).filter(
        ([, bit]) => Number(flags) & bit,
      );
      state = [letter, ...words.map(([word]) => word)].join(" ");
    } catch {}
    if (state !== history.at(-1)?.state) history.push({ state, atMs: performance.now() });
    if (state === "gone") return history;
    await sleep(1);
  }
}
