import type { Action, Decision } from "../../failover/decision.ts";
import type { FailoverPolicy, Observed } from "../../failover/observed.ts";
import type { Frame } from "../../stream/frames.ts";

/** One frame of an agent as it arrived, its sequence number in it. Wall clock of this process, milliseconds since the epoch. */
export interface HeardFrame {
  wallMs: number;
  server: string;
  frame: Frame;
}

/** One decision with all that it was made on: enough to make it again elsewhere. */
export interface RecordedPass {
  wallMs: number;
  observed: Observed;
  policy: FailoverPolicy;
  /** Steps that were tried a moment before, which come last. */
  held: readonly Action[];
  decision: Decision;
}

/** A record reaches so far back from its end: a repair with its load, and the calm before the fault. */
const KEEP_MS = 600_000;
/** Four beats a second of five servers are 12,000 in ten minutes; of those that say nothing new the last half minute will do. */
const BEATS_MS = 30_000;
const MAX_FRAMES = 5_000;
/** Decisions that come out as the one before are kept this often: while something is waited for they show how a time ran out. */
const EVERY_MS = { hold: 5_000, other: 500 };
/** An observation takes some 10 KB of the 96 MB that the program has. */
const MAX_PASSES = 600;

/** What a reconciler has heard and decided of late, so that a failover can be told with what came before it. */
export class FlightRecorder {
  readonly sinceMs: number;
  #frames: HeardFrame[] = [];
  #passes: RecordedPass[] = [];
  #lastWords = "";

  constructor(wallMs: number) {
    this.sinceMs = wallMs;
  }

  hear(server: string, frame: Frame, wallMs: number): void {
    this.#frames.push({ wallMs, server, frame });
    if (this.#frames.length < 2 * MAX_FRAMES) return;
    const isFresh = (one: HeardFrame) => one.wallMs > wallMs - (one.frame.type === "beat" ? BEATS_MS : KEEP_MS);
    this.#frames = this.#frames.filter(isFresh).slice(-MAX_FRAMES);
  }

  /** Takes one decision; those that repeat the one before are thinned out. */
  decided(pass: RecordedPass): void {
    const { decision, wallMs } = pass;
    const words = decision.kind === "act" ? JSON.stringify(decision.action) : `${decision.kind} ${decision.reason}`;
    const last = this.#passes.at(-1);
    const everyMs = decision.kind === "hold" ? EVERY_MS.hold : EVERY_MS.other;
    if (words === this.#lastWords && last !== undefined && wallMs - last.wallMs < everyMs) return;
    this.#lastWords = words;
    this.#passes.push(pass);
    if (this.#passes.length >= 2 * MAX_PASSES)
      this.#passes = this.#passes.filter((one) => one.wallMs > wallMs - KEEP_MS).slice(-MAX_PASSES);
  }

  /** From `wallMs` on, the oldest first. */
  evidence(wallMs: number): HeardFrame[] {
    return this.#frames.filter((one) => one.wallMs >= wallMs);
  }

  passes(wallMs: number): RecordedPass[] {
    return this.#passes.filter((one) => one.wallMs >= wallMs);
  }
}
