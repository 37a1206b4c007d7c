import { compact } from "./compact.ts";
import { type Evidence, evidenceKey } from "./evidence.ts";
import { noteRate } from "./rates.ts";
import { readEvidence } from "./read-evidence.ts";
import { DEFAULT_HEALTH_RULES, type HealthRules } from "./rules.ts";
import { inOrder, isEvent, type Piece, type ServerEvidence, type Treatment } from "./server-evidence.ts";

/** Of the `hello` frame, so that a frame can be passed as it came. */
export interface Hello {
  bootId: string;
  agent: string;
  heartbeatMs: number;
  start: "snapshot" | "resumed";
  seq: number;
  monoMs: number;
}

/**
 * How many treatments of each kind are kept; each closes what came before it, so old ones say nothing new. Of each kind: a group
 * that is started anew is sixteen new processes, and a few such starts must not push out the boot that cured a GPU.
 */
const MAX_TREATMENTS = 64;

/**
 * The start of a connection. Another boot id means that the server was off: a reboot cures what a reboot can cure. A snapshot
 * replaces state, never events: a crash that the new agent did not see did happen.
 */
export function hearHello(known: ServerEvidence, hello: Hello, atMs: number): ServerEvidence {
  const rebooted = known.bootId !== null && known.bootId !== hello.bootId;
  const heard: ServerEvidence = {
    ...known,
    bootId: hello.bootId,
    agent: hello.agent,
    heartbeatMs: hello.heartbeatMs,
    lastHeardMs: atMs,
    connection: { state: "connected", sinceMs: atMs, reason: "" },
    greeting: {
      atMs,
      monoMs: hello.monoMs,
      seq: hello.seq,
      // What we do not know of a server that we heard happened after that.
      floorMs: known.lastHeardMs ?? Number.NEGATIVE_INFINITY,
    },
    snapshot: hello.start === "snapshot" ? { upToSeq: hello.seq, repeated: [] } : null,
  };
  if (!rebooted) return heard;
  // It runs since `monoMs` ago, and what its kernel has told since then is of after the boot, however late we hear it.
  return treat(heard, { atMs: Math.max(known.lastHeardMs ?? atMs, atMs - hello.monoMs), what: "reboot" });
}

/** A piece of evidence, unread as it came. What this reader does not understand still shows that the agent lives. */
export function hearEvidence(
  known: ServerEvidence,
  frame: { seq: number; monoMs: number; evidence: unknown },
  atMs: number,
  rules: HealthRules = DEFAULT_HEALTH_RULES,
): ServerEvidence {
  const evidence = readEvidence(frame.evidence);
  const snapshot =
    known.snapshot === null || evidence === null || isEvent(evidence)
      ? known.snapshot
      : { ...known.snapshot, repeated: [...known.snapshot.repeated, evidenceKey(evidence)] };
  const heard = { ...known, lastHeardMs: atMs, snapshot };
  if (evidence === null) return heard;
  const { bootId, agent } = known;
  const happenedMs = dateOf(known, frame.seq, evidence, frame.monoMs, atMs);
  const piece: Piece = {
    seq: frame.seq,
    agent: agent ?? "",
    bootId: bootId ?? "",
    arrivedMonoMs: happenedMs,
    monoMs: frame.monoMs,
    evidence,
  };
  const key = evidenceKey(evidence);
  // An event that a new agent tells again is the same event; its first arrival is the first bad moment.
  if (isEvent(evidence)) {
    const told = known.pieces.some((other) => other.bootId === piece.bootId && evidenceKey(other.evidence) === key);
    if (told) return heard;
  }
  const newcomer = newProcessMs(known, evidence, happenedMs);
  const rates =
    evidence.kind === "engine" ? noteRate(known.rates, evidence, happenedMs, frame.seq, rules) : known.rates;
  const next = {
    ...heard,
    rates,
    pieces: compact([...known.pieces, piece], evidence, known.treatments, rules),
  };
  return newcomer === null ? next : treat(next, { atMs: newcomer, what: "new-process" });
}

/** A beat: everything known still holds. The first one past a snapshot ends it. */
export function hearBeat(known: ServerEvidence, beat: { seq: number }, atMs: number): ServerEvidence {
  const heard = { ...known, lastHeardMs: atMs };
  const { snapshot } = known;
  if (snapshot === null || beat.seq < snapshot.upToSeq) return heard;
  const repeated = new Set(snapshot.repeated);
  const pieces = known.pieces.filter(({ evidence }) => isEvent(evidence) || repeated.has(evidenceKey(evidence)));
  return { ...heard, snapshot: null, pieces };
}

/** The connection came or went. Gone is *blind*, which is no fault. */
export function hearConnection(
  known: ServerEvidence,
  state: "connected" | "lost",
  reason: string,
  atMs: number,
): ServerEvidence {
  // The time is that of the loss; the reason is the newest word on it: `aborted`, then `the agent answered 401`.
  if (known.connection?.state === state) return { ...known, connection: { ...known.connection, reason } };
  return { ...known, connection: { state, sinceMs: atMs, reason } };
}

/** Something was done that closes what came before it. Also the reconciler's way to say so (reset, repair, planned stop). */
export function treat(known: ServerEvidence, treatment: Treatment): ServerEvidence {
  const treatments = [...known.treatments, treatment];
  const alike = treatments.filter(({ what }) => what === treatment.what);
  const oldest = alike.length > MAX_TREATMENTS ? alike[0] : undefined;
  return { ...known, treatments: treatments.filter((one) => one !== oldest) };
}

/** How long after its start an agent may still be reading what the kernel said before it came. */
const SETTLING_MS = 5_000;

/**
 * When it happened, on the observer's clock. What lies in the backlog of a connection is as old as the agent says, and a line
 * of the kernel log as old as the kernel says, which an agent that has just started reads late. Later on what arrives is new:
 * no clock but our own is asked.
 */
function dateOf({ greeting }: ServerEvidence, seq: number, evidence: Evidence, monoMs: number, atMs: number): number {
  if (greeting === null || (seq > greeting.seq && atMs - greeting.atMs > SETTLING_MS)) return atMs;
  const toldMs = evidence.kind === "kernel-log" ? Math.min(monoMs, evidence.line.uptimeUs / 1_000) : monoMs;
  if (seq > greeting.seq && evidence.kind !== "kernel-log") return atMs;
  return Math.max(Math.min(greeting.atMs + toldMs - greeting.monoMs, atMs), greeting.floorMs);
}

/** When a rank started that runs under another pid than before, or that began before we came; null for one that is known. */
function newProcessMs({ pieces, greeting }: ServerEvidence, evidence: Evidence, happenedMs: number): number | null {
  if (evidence.kind !== "rank" || evidence.state === "exited") return null;
  const isOfIt = ({ evidence: other }: Piece) =>
    other.kind === "rank" && other.rank === evidence.rank && other.group === evidence.group;
  const before = inOrder(pieces.filter(isOfIt)).at(-1)?.evidence;
  if (before?.kind === "rank") return before.pid === evidence.pid ? null : happenedMs;
  if (evidence.startedMonoMs === undefined || greeting === null) return null;
  return Math.min(happenedMs, greeting.atMs - (greeting.monoMs - evidence.startedMonoMs));
}
