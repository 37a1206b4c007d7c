import type { Fault, ServerView, StoppedRank } from "../../failover/choose/view.ts";
import type { Evidence } from "../../health/evidence.ts";
import { judgeLine } from "../../health/judge-line.ts";
import type { GpuLogLine } from "../../health/kernel-line.ts";
import { type Remedy, stopsService } from "../../health/remedy.ts";
import type { EvidenceFrame, Frame } from "../../stream/frames.ts";
import type { WatchClock } from "../watch-clock.ts";
import { EngineProcesses } from "./engine-processes.ts";
import type { Group } from "./group.ts";

/** A count of tokens that is older says nothing about the present: a group is not proven by it. */
const NEWS_MS = 1_000;
/** Only what happens now is acted on: after a pause the backlog is history, and present silence speaks for itself. */
const HISTORY_AFTER_MS = 30_000;
/** One GPU takes 16 ranks and two launchers along, and what began it must not be forgotten over their ends. */
const MAX_FAULTS = 64;
/** Codes that a program can cause: the engine's own kernels (13, 31, 43) and its clean-up (45). */
const SOFTWARE_XIDS: readonly number[] = [13, 31, 43, 45];
/** A close within this time after a frame came from the agent; later ones are the subscriber giving up on a silence. */
const CLOSED_AT_ONCE_MS = 400;

/** What one agent has told, kept as the present state of its server. */
export class EvidenceIntake {
  readonly server: string;
  readonly #groupOf: () => Group | null;
  readonly #clock: WatchClock;
  readonly #xids: Readonly<Record<number, Remedy>>;
  #stream: ServerView["stream"] = "never";
  #lastHeardMs = 0;
  #agentMonoMs = 0;
  /** The last number given out before this connection, and what has come of that so far. */
  #replayTo = 0;
  #replay: EvidenceFrame[] = [];
  #isHistory = false;
  /** The engine was spoken of on this connection: what it did before may lie anywhere in the time that nobody heard. */
  #knowsEngine = false;
  #seen = new Set<string>();
  #ranks = new Map<number, number>();
  #stopped = new Map<number, StoppedRank>();
  #processes = new EngineProcesses();
  /** Ends of processes, among the faults that it told of. */
  #exits = new WeakSet<Fault>();
  #bootId = "";
  /** When the faults of this boot that it told of were, by its own clock. */
  #toldMs = new WeakMap<Fault, number>();

  /** @param groupOf the group that the server is a member of now: spares take places while the gateway runs */
  constructor(
    server: string,
    groupOf: () => Group | null,
    clock: WatchClock,
    xids: Readonly<Record<number, Remedy>> = {},
  ) {
    this.server = server;
    this.#groupOf = groupOf;
    this.#clock = clock;
    this.#xids = xids;
  }

  get view(): ServerView {
    const [stopped = null] = this.#stopped.values();
    return { id: this.server, stream: this.#stream, lastHeardMs: this.#lastHeardMs, stopped };
  }

  connection(state: "connected" | "lost"): void {
    if (state === "connected") return;
    // A server without power cannot close anything; silence that ends in a time-out stays silence.
    if (this.#clock.now() - this.#lastHeardMs <= CLOSED_AT_ONCE_MS && this.#stream === "open") this.#stream = "closed";
  }

  /** Takes one frame; true if it says something about a fault, so that the choice must be made again at once. */
  frame(frame: Frame): boolean {
    this.#stream = "open";
    this.#lastHeardMs = this.#clock.now();
    if (frame.type === "hello") {
      this.#replayTo = frame.seq;
      this.#replay = [];
      this.#knowsEngine = false;
      this.#processes.reconnected();
      if (frame.bootId !== this.#bootId) {
        this.#toldMs = new WeakMap();
        this.#processes = new EngineProcesses();
        this.#stopped.clear();
      }
      this.#bootId = frame.bootId;
      this.#isHistory = frame.start === "snapshot" && frame.seq > 0;
    }
    if (frame.type === "evidence") this.#replay.push(frame);
    else this.#agentMonoMs = frame.monoMs;
    // What happened before is one story: acted on in the middle, a group that has long been repaired would be left.
    if (frame.seq < this.#replayTo || frame.type === "hello") return false;
    const urgent = this.#replay.splice(0).reduce((found, one) => this.#evidence(one) || found, false);
    this.#isHistory = false;
    return urgent;
  }

  #evidence(frame: EvidenceFrame): boolean {
    const ageMs = Math.max(0, this.#agentMonoMs - frame.monoMs);
    this.#agentMonoMs = Math.max(this.#agentMonoMs, frame.monoMs);
    const group = this.#groupOf();
    return group !== null && this.#take(frame.evidence, group, ageMs);
  }

  #take(evidence: Evidence, group: Group, ageMs: number): boolean {
    switch (evidence.kind) {
      case "kernel-log": {
        const fault = this.#fatal(evidence.line);
        if (fault === null) return false;
        const key = `line ${evidence.line.sequence} ${evidence.line.uptimeUs}`;
        // An agent that has just started reads late what the kernel said before; the kernel's own clock says when.
        const saidMs = Math.max(ageMs, this.#ageOf(evidence.line.uptimeUs / 1_000));
        return this.#fault(group, key, fault.text, fault.software, saidMs) !== null;
      }
      case "rank": {
        this.#noteStopped(evidence, ageMs);
        if (evidence.group !== group.id) return false;
        group.hasServed ||= evidence.state === "exited";
        if (evidence.state === "exited")
          return this.#exit(group, "rank", evidence.pid, `rank ${evidence.rank} (pid ${evidence.pid}) exited`, ageMs);
        this.#processes.rank(evidence.pid);
        const before = this.#ranks.get(evidence.rank);
        this.#ranks.set(evidence.rank, evidence.pid);
        // Also the first that this gateway hears of: in the history of an agent it comes after the exits before it. It is no
        // acquittal yet, since the group must answer a canary as well.
        if (evidence.state === "running" && before !== evidence.pid)
          this.#restarted(group, Math.max(ageMs, this.#ageOf(evidence.startedMonoMs)));
        return false;
      }
      case "engine-process":
        if (evidence.group !== group.id) return false;
        if (evidence.state !== "exited") {
          if (this.#processes.launcher(evidence.pid)) this.#overcome(group, (fault) => this.#exits.has(fault), 0);
          return false;
        }
        if (!this.#processes.launcherEnded(evidence.pid)) return false;
        group.hasServed = true;
        return this.#exit(group, "engine", evidence.pid, `the engine (pid ${evidence.pid}) exited`, ageMs);
      case "engine":
        if (evidence.group === group.id) this.#engine(evidence, group, ageMs);
        return false;
      default:
        return false;
    }
  }

  #noteStopped({ rank, pid, state }: Extract<Evidence, { kind: "rank" }>, ageMs: number): void {
    const before = this.#stopped.get(rank);
    if (state === "stopped" && before?.pid !== pid)
      this.#stopped.set(rank, { rank, pid, sinceMs: this.#clock.before(ageMs) });
    // The end of an earlier one may be told late.
    if (state === "running" || (state === "exited" && before?.pid === pid)) this.#stopped.delete(rank);
  }

  #fatal(line: GpuLogLine): { text: string; software: boolean } | null {
    const { remedy, name, reason } = judgeLine(line, this.#xids);
    if (!stopsService(remedy)) return null;
    return {
      text: `${name} on ${line.pci}: ${reason}`,
      software: line.kind === "xid" && SOFTWARE_XIDS.includes(line.code),
    };
  }

  #exit(group: Group, what: "rank" | "engine", pid: number, text: string, ageMs: number): boolean {
    if (this.#processes.isFormer(pid)) return false;
    const fault = this.#fault(group, `${what} ${pid}`, text, true, ageMs);
    if (fault !== null) this.#exits.add(fault);
    return fault !== null;
  }

  #fault(group: Group, key: string, text: string, software: boolean, ageMs: number): Fault | null {
    if (ageMs > HISTORY_AFTER_MS || this.#seen.has(key)) return null;
    this.#seen.add(key);
    if (this.#seen.size > 1000) this.#seen = new Set([...this.#seen].slice(-500));
    // Faults that were overcome are dropped here, so that the list never grows.
    const atMs = this.#clock.before(ageMs);
    const fault: Fault = { atMs, server: this.server, text, software, restartedMs: null };
    this.#toldMs.set(fault, this.#agentMonoMs - ageMs);
    group.faults = [...group.faults.slice(1 - MAX_FAULTS), fault];
    return fault;
  }

  #engine(evidence: Extract<Evidence, { kind: "engine" }>, group: Group, ageMs: number): void {
    const before = group.engine;
    const { instance, state, tokensTotal, queued } = evidence;
    group.engine = { instance, state, tokensTotal, queued };
    group.hasServed ||= state !== "starting";
    if (state === "serving" && before !== null && before.instance !== instance) this.#restarted(group, ageMs);
    // The agent looks now and then; where the gateway has streams of its own, those say it sooner and truer.
    const isNews = this.#knowsEngine && ageMs < NEWS_MS;
    this.#knowsEngine = true;
    if (isNews && before?.instance === instance && tokensTotal > before.tokensTotal && group.waitingSinceMs === null)
      group.sawToken();
  }

  /** How long ago something was, by its server's own clock; 0 where the agent does not say. */
  #ageOf(monoMs: number | undefined): number {
    return monoMs === undefined ? 0 : this.#agentMonoMs - monoMs;
  }

  /** @param ageMs how long ago: a canary that answered since then has asked the new engine */
  #restarted(group: Group, ageMs: number): void {
    const startedMs = this.#clock.before(ageMs);
    const ownMs = this.#agentMonoMs - ageMs;
    // Agents tell their histories one after another: an old start repairs no newer fault. What one agent tells of both is in
    // order by its own clock, also where both were read at once, after this process was held up.
    const isOlder = (fault: Fault) => {
      const toldMs = this.#toldMs.get(fault);
      return toldMs === undefined ? fault.atMs <= startedMs : toldMs <= ownMs;
    };
    this.#overcome(group, isOlder, startedMs);
    group.sawStart(startedMs);
  }

  /** Overcome before this gateway knew of it: the group is as good as any that it has not asked yet, and no worse. */
  #overcome(group: Group, which: (fault: Fault) => boolean, startedMs: number): void {
    const ends = (fault: Fault) => fault.restartedMs === null && which(fault);
    if (this.#isHistory) group.faults = group.faults.filter((fault) => !ends(fault));
    else
      group.faults = group.faults.map((fault) =>
        ends(fault) ? { ...fault, restartedMs: Math.max(startedMs, fault.atMs) } : fault,
      );
  }
}
