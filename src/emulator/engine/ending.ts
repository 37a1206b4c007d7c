import type { EngineSettings } from "./settings.ts";

/** `dump_requests_before_crash` sleeps this long before any diagnostics (tokenizer_manager.py:3477). */
const SETTLE_MS = 5000;

/**
 * `kill_process_tree(os.getpid())` (utils/common.py:2549): ranks first, then itself. Not PID 1: code 137. As PID 1 the
 * kernel ignores the signal and the process leaves with 0.
 */
export function killTree(killRanks: () => void): never {
  killRanks();
  process.kill(process.pid, "SIGKILL");
  return process.exit(0);
}

/** What a scheduler does with a Python exception when SGLANG_KILLPG_ON_SCHEDULER_EXCEPTION is on (scheduler.py:6376). */
export function killGroup(): void {
  try {
    process.kill(0, "SIGKILL");
  } catch {}
}

/** The crash dump of a serving leader: blocks the whole process, as `time.sleep` in a signal handler does. */
export function crashDump(settings: EngineSettings, ranksAlive: () => boolean): void {
  const { pyspyDump, coreDumpWaitMs } = settings.env;
  if (!pyspyDump && coreDumpWaitMs === null) return;
  console.error("Sleeping 5 seconds before crash diagnostics to let GPU activity settle.");
  block(SETTLE_MS);
  if (!ranksAlive()) {
    console.error("No live scheduler processes found; skipping py-spy and CUDA coredump.");
    return;
  }
  if (coreDumpWaitMs === null || coreDumpWaitMs === 0) return;
  console.error(`Waiting ${(coreDumpWaitMs / 1000).toFixed(1)} seconds for CUDA coredumps before exiting.`);
  block(coreDumpWaitMs);
}

function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
