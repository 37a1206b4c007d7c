import { compact } from "./compact.ts";
import { type Evidence, evidenceKey } from "./evidence.ts";
import { noteRate } from "./rates.ts";
import { readEvidence } from "./read-evidence.ts";
import { DEFAULT_HEALTH_RULES, type HealthRules } from "./rules.ts";
import { byArrival, isEvent, type Piece, type ServerEvidence, type Treatment } from "./server-evidence.ts";

/** Of the `hello` frame, so that a frame can be passed as it came. */
export interface Hello {
  bootId: string;
  agent: string;
  heartbeatMs: number;
  start: "snapshot" | "resumed";
  seq: number;
}

/** How many treatments are kept; each closes what came before it, so old ones say nothing new. */
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
    snapshot: hello.start === "snapshot" ? { sinceMs: atMs, upToSeq: hello.seq } : null,
  };
  return rebooted ? treat(heard, { atMs, what: "reboot" }) : heard;
}

/** A piece of evidence, unread as it came. What this reader does not understand still shows that the agent lives. */
export function hearEvidence(
  known: ServerEvidence,
  frame: { seq: number; monoMs: number; evidence: unknown },
  atMs: number,
  rules: HealthRules = DEFAULT_HEALTH_RULES,
): ServerEvidence {
  const evidence = readEvidence(frame.evidence);
  const heard = { ...known, lastHeardMs: atMs };
  if (evidence === null) return heard;
  const { bootId, agent } = known;
  const piece: Piece = {
    seq: frame.seq,
    agent: agent ?? "",
    bootId: bootId ?? "",
    arrivedMonoMs: atMs,
    monoMs: frame.monoMs,
    evidence,
  };
  const key = evidenceKey(evidence);
  // An event that a new agent tells again is the same event; its first arrival is the first bad moment.
  if (isEvent(evidence)) {
    const told = known.pieces.some((other) => other.bootId === piece.bootId && evidenceKey(other.evidence) === key);
    if (told) return heard;
  }
  const restarted = isNewProcess(known.pieces, evidence);
  const rates = evidence.kind === "engine" ? noteRate(known.rates, evidence, atMs, frame.seq, rules) : known.rates;
  const next = { ...heard, rates, pieces: compact([...known.pieces, piece], evidence, known.treatments, rules) };
  return restarted ? treat(next, { atMs, what: "new-process" }) : next;
}

/** A beat: everything known still holds. The first one past a snapshot ends it. */
export function hearBeat(known: ServerEvidence, beat: { seq: number }, atMs: number): ServerEvidence {
  const heard = { ...known, lastHeardMs: atMs };
  const { snapshot } = known;
  if (snapshot === null || beat.seq < snapshot.upToSeq) return heard;
  const repeated = new Set(
    known.pieces
      .filter((piece) => piece.arrivedMonoMs >= snapshot.sinceMs)
      .map(({ evidence }) => evidenceKey(evidence)),
  );
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
  if (known.connection?.state === state) return known;
  return { ...known, connection: { state, sinceMs: atMs, reason } };
}

/** Something was done that closes what came before it. Also the reconciler's way to say so (reset, repair, planned stop). */
export function treat(known: ServerEvidence, treatment: Treatment): ServerEvidence {
  return { ...known, treatments: [...known.treatments, treatment].slice(-MAX_TREATMENTS) };
}

/** A rank or launcher that runs under another pid than before: the group was started anew on this server. */
function isNewProcess(pieces: readonly Piece[], evidence: Evidence): boolean {
  if (evidence.kind !== "rank" || evidence.state === "exited") return false;
  const before = pieces
    .filter(
      ({ evidence: other }) => other.kind === "rank" && other.rank === evidence.rank && other.group === evidence.group,
    )
    .toSorted(byArrival)
    .at(-1)?.evidence;
  return before?.kind === "rank" && before.pid !== evidence.pid;
}
