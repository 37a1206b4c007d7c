import { type Evidence, evidenceKey } from "../health/evidence.ts";
import type { EvidenceFrame } from "./frames.ts";

export interface EvidenceLogOptions {
  /** Drawn anew at each start of the agent: sequence numbers count within it. */
  agent: string;
  /** Frames kept for subscribers that were away. The default is minutes of a busy server in less than a mebibyte. */
  capacity?: number;
  /** Events kept for subscribers that are new: what happened before they came. */
  events?: number;
}

/**
 * What one agent has to tell: a ring of the last frames for those who resume, and what holds now for those who are new.
 * Knows no clock and no socket.
 */
export class EvidenceLog {
  readonly agent: string;
  readonly #ring: (EvidenceFrame | undefined)[];
  readonly #state = new Map<string, EvidenceFrame>();
  readonly #events: EvidenceFrame[] = [];
  readonly #maxEvents: number;
  #seq = 0;

  constructor({ agent, capacity = 1024, events = 512 }: EvidenceLogOptions) {
    this.agent = agent;
    this.#ring = new Array(capacity);
    this.#maxEvents = events;
  }

  /** The last sequence number given out; 0 before the first. */
  get seq(): number {
    return this.#seq;
  }

  append(evidence: Evidence, at: { monoMs: number; wallMs: number }): EvidenceFrame {
    const frame: EvidenceFrame = { type: "evidence", seq: ++this.#seq, ...at, evidence };
    this.#ring[frame.seq % this.#ring.length] = frame;
    if (!isEvent(evidence)) this.#state.set(evidenceKey(evidence), frame);
    else {
      this.#retire(evidence);
      this.#events.push(frame);
      if (this.#events.length > this.#maxEvents) this.#events.shift();
    }
    return frame;
  }

  /** What holds now and the last events, in the order in which they were seen. */
  snapshot(): EvidenceFrame[] {
    return [...this.#state.values(), ...this.#events].sort((a, b) => a.seq - b.seq);
  }

  /** All frames after `seq`, or null where some of them are gone or the numbers are another agent's. */
  after(agent: string, seq: number): EvidenceFrame[] | null {
    const kept = Math.min(this.#seq, this.#ring.length);
    if (agent !== this.agent || seq > this.#seq || seq < this.#seq - kept) return null;
    const frames: EvidenceFrame[] = [];
    for (let next = seq + 1; next <= this.#seq; next++) {
      const frame = this.#ring[next % this.#ring.length];
      if (frame?.seq !== next) return null;
      frames.push(frame);
    }
    return frames;
  }

  /** A process that ended runs no more: without this a newcomer would hear that it does, once its exit is forgotten. */
  #retire(evidence: Evidence): void {
    if (evidence.kind !== "rank" && evidence.kind !== "engine-process") return;
    const key = evidenceKey({ ...evidence, state: "running" });
    const held = this.#state.get(key)?.evidence;
    if (held !== undefined && "pid" in held && held.pid === evidence.pid) this.#state.delete(key);
  }
}

/** Events add up; everything else replaces what was said before. */
function isEvent(evidence: Evidence): boolean {
  if (evidence.kind === "kernel-log") return true;
  return (evidence.kind === "rank" || evidence.kind === "engine-process") && evidence.state === "exited";
}
