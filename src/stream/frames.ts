import { z } from "zod";
import type { Evidence } from "../health/evidence.ts";

/**
 * The evidence stream of one agent: newline-separated JSON over one long HTTP response (`GET /v1/stream`, bearer token).
 * `hello` comes first, then the evidence that holds now (or, after a resume, all that was missed), then beats and new
 * evidence as they happen. A subscriber that was away says `?after=AGENT:SEQ` and misses nothing that the agent still has.
 */
export type Frame = HelloFrame | BeatFrame | EvidenceFrame;

export interface HelloFrame {
  type: "hello";
  server: string;
  /** Of the kernel: another one means that the server was off. */
  bootId: string;
  /** Drawn at each start of the agent; sequence numbers count within it. */
  agent: string;
  /** Time between beats, so that a subscriber knows what silence is. */
  heartbeatMs: number;
  /** `snapshot`: what holds now follows; `resumed`: what was missed follows, nothing is lost. */
  start: "snapshot" | "resumed";
  /** The last sequence number given out. */
  seq: number;
  monoMs: number;
  wallMs: number;
}

export interface BeatFrame {
  type: "beat";
  /** The last sequence number given out: a subscriber sees that it has everything. */
  seq: number;
  /** The agent's monotonic clock; never compared between servers. */
  monoMs: number;
  wallMs: number;
}

export interface EvidenceFrame {
  type: "evidence";
  seq: number;
  /** When the agent saw it, on its own clocks. */
  monoMs: number;
  wallMs: number;
  evidence: Evidence;
}

const stamp = { seq: z.int().min(0), monoMs: z.number(), wallMs: z.number() };
const FrameSchema = z.discriminatedUnion("type", [
  z.looseObject({
    type: z.literal("hello"),
    server: z.string(),
    bootId: z.string(),
    agent: z.string(),
    heartbeatMs: z.number().positive(),
    start: z.enum(["snapshot", "resumed"]),
    ...stamp,
  }),
  z.looseObject({ type: z.literal("beat"), ...stamp }),
  z.looseObject({ type: z.literal("evidence"), ...stamp, evidence: z.looseObject({ kind: z.string() }) }),
]);

// As an agent of this version writes it. Four beats a second of every server are most of what an idle stack hears.
const BEAT = /^\{"type":"beat","seq":(0|[1-9]\d{0,14}),"monoMs":(\d{1,12}(?:\.\d{1,12})?),"wallMs":(\d{1,15})\}$/;

/**
 * Reads one line. Returns null for a line that is no frame: a newer agent may send kinds that this reader does not know,
 * and one bad line must never end a subscription.
 */
export function decodeFrame(line: string): Frame | null {
  const beat = BEAT.exec(line);
  if (beat) return { type: "beat", seq: Number(beat[1]), monoMs: Number(beat[2]), wallMs: Number(beat[3]) };
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return null;
  }
  const result = FrameSchema.safeParse(value);
  // The evidence itself is checked where it is used: an unknown kind is passed by, not refused.
  return result.success ? (result.data as unknown as Frame) : null;
}
