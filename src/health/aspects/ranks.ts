import type { Evidence } from "../evidence.ts";
import type { Finding, Mark } from "../finding.ts";
import type { HealthRules } from "../rules.ts";
import { inOrder, type Piece, type Treatment } from "../server-evidence.ts";

type Rank = Extract<Evidence, { kind: "rank" }>;

/** A rank that stands still holds the other fifteen, and every socket stays open. */
export function rankMarks({ group, rank, state }: Rank, { rankStoppedAfterMs }: HealthRules): Mark[] {
  if (state !== "stopped") return [];
  return [
    {
      code: "rank-stopped",
      subject: `rank ${group}/${rank}`,
      group,
      remedy: "restart-group",
      moves: "now",
      confirmAfterMs: rankStoppedAfterMs,
      reason: "the rank's process is stopped",
    },
  ];
}

/**
 * Ranks and launchers that ended and have no successor. One process takes all ranks of its group along, and the servers are
 * well: the group starts again in place.
 */
export function exitFindings(server: string, exits: readonly OpenExit[], treatments: readonly Treatment[]): Finding[] {
  if (exits.length === 0) return [];
  // A planned stop, a reset or a reboot accounts for every exit before it.
  const accounted = Math.max(
    Number.NEGATIVE_INFINITY,
    ...treatments.filter(({ what }) => what !== "new-process").map(({ atMs }) => atMs),
  );
  return exits.filter(({ sinceMs }) => sinceMs > accounted).map((exit) => ({ ...exit, server }));
}

/** What a process is to its group: a successor has the same name. */
export function processName(evidence: Extract<Evidence, { kind: "rank" | "engine-process" }>): string {
  return evidence.kind === "rank" ? `rank ${evidence.group}/${evidence.rank}` : `launcher of ${evidence.group}`;
}

/** An end without a successor, as far as the pieces say. */
export type OpenExit = Omit<Finding, "server">;

/** Whenever it is asked, the same: only what was done since accounts for an end. */
export function openExits(pieces: readonly Piece[]): OpenExit[] {
  if (!pieces.some(({ evidence }) => "state" in evidence && evidence.state === "exited")) return [];
  const exits = new Map<string, { piece: Piece; finding: OpenExit }>();
  const running = new Map<string, number>();
  for (const piece of inOrder(pieces)) {
    const { evidence } = piece;
    if (evidence.kind !== "rank" && evidence.kind !== "engine-process") continue;
    const { group, pid } = evidence;
    const subject = processName(evidence);
    const before = exits.get(subject)?.piece.evidence;
    if (evidence.state !== "exited") {
      running.set(subject, pid);
      if (before !== undefined && "pid" in before && before.pid !== pid) exits.delete(subject);
      continue;
    }
    // The exit of a predecessor may be told after the start of the process that answers it.
    if ((running.get(subject) ?? pid) !== pid) continue;
    running.delete(subject);
    // Of several exits of one rank the first unanswered one is the first bad moment.
    if (before !== undefined) continue;
    exits.set(subject, {
      piece,
      finding: {
        code: evidence.kind === "rank" ? "rank-exited" : "engine-exited",
        subject,
        group,
        remedy: "restart-group",
        moves: "now",
        sinceMs: piece.arrivedMonoMs,
        confirmed: true,
        reason: `process ${pid} ended`,
        rests: [{ agent: piece.agent, seq: piece.seq }],
      },
    });
  }
  return [...exits.values()].map(({ finding }) => finding);
}
