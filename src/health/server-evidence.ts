import type { Evidence } from "./evidence.ts";
import { NO_RATES, type RateBook } from "./rates.ts";

/** One piece of evidence as an observer holds it. Two clocks: the observer's for its arrival, the agent's for what it says. */
export interface Piece {
  seq: number;
  agent: string;
  bootId: string;
  /** On the observer's clock; of what came as a backlog the moment at which it happened. */
  arrivedMonoMs: number;
  monoMs: number;
  evidence: Evidence;
  /** Pieces of the same pack before this one were dropped as repeats, so the gap before it is none. */
  continues?: true;
}

/**
 * Something that was done about a fault, or happened to undo it. `new-process` and `reboot` are seen by the observer itself; a
 * planned stop of the group, a reset of the GPUs and a repair (the word of a person) are told by whoever did them.
 */
export interface Treatment {
  atMs: number;
  what: "new-process" | "planned-stop" | "reset" | "reboot" | "repair";
}

/** All that one observer knows about one server. Plain data: it is recorded with each decision and can be replayed. */
export interface ServerEvidence {
  server: string;
  bootId: string | null;
  agent: string | null;
  heartbeatMs: number;
  /** Arrival of the last frame of any kind; what was true then is not known to be true later. */
  lastHeardMs: number | null;
  connection: { state: "connected" | "lost"; sinceMs: number; reason: string } | null;
  /** The start of the connection on both clocks: up to `seq` comes what happened before it, at the earliest at `floorMs`. */
  greeting: { atMs: number; monoMs: number; seq: number; floorMs: number } | null;
  /** A snapshot is under way: state that it has not repeated by this sequence number is no longer so. */
  snapshot: { upToSeq: number; repeated: readonly string[] } | null;
  pieces: readonly Piece[];
  treatments: readonly Treatment[];
  rates: RateBook;
}

/** A server of which nothing was heard yet. */
export function unheard(server: string): ServerEvidence {
  return {
    server,
    bootId: null,
    agent: null,
    heartbeatMs: 250,
    lastHeardMs: null,
    connection: null,
    greeting: null,
    snapshot: null,
    pieces: [],
    treatments: [],
    rates: NO_RATES,
  };
}

/** What it had to tell when it was first heard has been heard. */
export function hasTold({ lastHeardMs, snapshot }: ServerEvidence): boolean {
  return lastHeardMs !== null && snapshot === null;
}

/** State holds until the next word on the same subject; an event happened once and stays so. */
export function isEvent(evidence: Evidence): boolean {
  return (
    evidence.kind === "kernel-log" ||
    ((evidence.kind === "rank" || evidence.kind === "engine-process") && evidence.state === "exited")
  );
}

/** Pieces by arrival. They are mostly held so, and asked for it with every piece of news: then it is the same list. */
export function inOrder(pieces: readonly Piece[]): readonly Piece[] {
  for (let at = 1; at < pieces.length; at += 1)
    if (byArrival(pieces[at - 1] as Piece, pieces[at] as Piece) > 0) return pieces.toSorted(byArrival);
  return pieces;
}

/** The order in which an observer learned things; ties keep the agent's order. */
export function byArrival(a: Piece, b: Piece): number {
  return a.arrivedMonoMs - b.arrivedMonoMs || a.seq - b.seq;
}
