import { type EngineArguments, engineArguments, rankOfTitle } from "./engine-arguments.ts";
import type { Proc } from "./proc.ts";

export interface FoundRank {
  pid: number;
  startTicks: number;
  rank: number;
  launcher: FoundLauncher;
}

export interface FoundLauncher {
  pid: number;
  startTicks: number;
  engine: EngineArguments;
}

export interface DiscoverOptions {
  proc: Proc;
  /** Must be part of the launcher's command line; where several servers share one computer it tells them apart. */
  match: string;
  onFound(rank: FoundRank): void;
  /** Every process that is looked at, with its name. */
  onProcess(pid: number, comm: string | null): void;
  /** A process whose command line does not come: it sits in the kernel, most likely in the driver. */
  onHung(pid: number): void;
}

/** SGLang names all its processes so; a kernel keeps 15 characters. */
const PREFIX = "sglang::";
const RANK_PREFIX = "sglang::schedul";
/** A process is named some time after it starts, so the young are looked at each time, the others now and then. */
const YOUNG_SCANS = 10;
const REVISIT_SCANS = 16;
const HUNG_MS = 2_000;
/** Of four threads; the rest stay free for everything else. */
const MAX_READS = 2;

/** Finds rank processes of an engine, and the launcher above them. `scan()` is to be called again and again. */
export class Discovery {
  readonly #options: DiscoverOptions;
  readonly #seen = new Map<number, number>();
  /** Processes that were looked into, by pid, with their start: a pid is used again. */
  readonly #known = new Map<number, number>();
  readonly #waiting: { pid: number; startTicks: number; parent: number }[] = [];
  readonly #reading = new Map<number, number>();
  readonly #launchers = new Map<string, Promise<FoundLauncher | null>>();
  #scans = 0;

  constructor(options: DiscoverOptions) {
    this.#options = options;
  }

  scan(nowMs: number): void {
    const { proc, onHung, onProcess } = this.#options;
    this.#scans++;
    const pids = proc.pids();
    const here = new Set(pids);
    for (const pid of this.#seen.keys()) if (!here.has(pid)) this.#drop(pid);
    for (const pid of pids) {
      const age = this.#scans - (this.#seen.get(pid) ?? this.#scans);
      if (!this.#seen.has(pid)) this.#seen.set(pid, this.#scans);
      if (age > YOUNG_SCANS && (pid + this.#scans) % REVISIT_SCANS !== 0) continue;
      const comm = proc.comm(pid);
      onProcess(pid, comm);
      if (comm?.startsWith(RANK_PREFIX)) this.#consider(pid);
    }
    this.#next(nowMs);
    for (const [pid, sinceMs] of this.#reading) if (nowMs - sinceMs > HUNG_MS) onHung(pid);
  }

  /** Forgets a process, so that one with the same number is found again. */
  forget({ pid, startTicks }: { pid: number; startTicks: number }): void {
    this.#launchers.delete(`${pid}:${startTicks}`);
    this.#drop(pid);
  }

  #drop(pid: number): void {
    this.#seen.delete(pid);
    this.#known.delete(pid);
  }

  #consider(pid: number): void {
    const stat = this.#options.proc.stat(pid);
    if (stat === null || stat.ended) return;
    if (this.#known.get(pid) === stat.startTicks) return;
    this.#known.set(pid, stat.startTicks);
    this.#waiting.push({ pid, startTicks: stat.startTicks, parent: stat.parent });
  }

  /** Reads command lines, a few at a time: each may take one thread for good. */
  #next(nowMs: number): void {
    while (this.#reading.size < MAX_READS) {
      const one = this.#waiting.shift();
      if (one === undefined) return;
      this.#reading.set(one.pid, nowMs);
      this.#identify(one.pid, one.startTicks, one.parent)
        .catch(() => false)
        .then((found) => {
          this.#reading.delete(one.pid);
          // Not named yet, or gone meanwhile: the next scan may know.
          if (!found) this.#known.delete(one.pid);
          this.#next(nowMs);
        });
    }
  }

  /** @returns false if it should be looked at again */
  async #identify(pid: number, startTicks: number, parent: number): Promise<boolean> {
    const { proc, match, onFound } = this.#options;
    const [title = ""] = await proc.cmdline(pid);
    const launcherPid = this.#ancestor(parent);
    const launcherStat = proc.stat(launcherPid);
    if (launcherStat === null) return false;
    const key = `${launcherPid}:${launcherStat.startTicks}`;
    let reading = this.#launchers.get(key);
    if (reading === undefined) {
      reading = proc.cmdline(launcherPid).then((argv) => {
        const engine = argv.join(" ").includes(match) ? engineArguments(argv) : null;
        return engine && { pid: launcherPid, startTicks: launcherStat.startTicks, engine };
      });
      this.#launchers.set(key, reading);
      reading.catch(() => this.#launchers.delete(key));
    }
    const launcher = await reading;
    if (launcher === null) return true;
    const rank = rankOfTitle(title, launcher.engine.tpSize);
    if (rank === null) return false;
    onFound({ pid, startTicks, rank, launcher });
    return true;
  }

  /** With attention DP a controller stands between launcher and ranks. */
  #ancestor(pid: number): number {
    let at = pid;
    for (let hops = 0; hops < 4 && this.#options.proc.comm(at)?.startsWith(PREFIX); hops++)
      at = this.#options.proc.stat(at)?.parent ?? at;
    return at;
  }
}
