import { conditionMarks } from "./aspects/conditions.ts";
import { engineMarks } from "./aspects/engine.ts";
import { gpuMarks } from "./aspects/gpus.ts";
import { linkMarks } from "./aspects/links.ts";
import { monitorMarks, serviceMarks } from "./aspects/monitors.ts";
import { rankMarks } from "./aspects/ranks.ts";
import type { Evidence } from "./evidence.ts";
import type { Mark } from "./finding.ts";
import { once } from "./once.ts";
import type { HealthRules } from "./rules.ts";
import { inOrder, type Piece } from "./server-evidence.ts";

/** What one piece of state says is wrong. Events (kernel log, exits) are judged over time by aspects of their own. */
export function marksOf(evidence: Evidence, rules: HealthRules): readonly Mark[] {
  switch (evidence.kind) {
    case "gpus":
      return marksOfGpus(rules)(evidence);
    case "monitor":
      return monitorMarks(evidence, rules);
    case "service":
      return serviceMarks(evidence);
    case "link":
      return linkMarks(evidence, rules);
    case "rank":
      return rankMarks(evidence, rules);
    case "engine":
      return engineMarks(evidence, rules);
    case "condition":
      return conditionMarks(evidence, rules);
    default:
      return [];
  }
}

/** Eight GPUs by nine rules, asked again with every look that comes after this one. */
const marksOfGpus = once((rules: HealthRules) =>
  once((evidence: Extract<Evidence, { kind: "gpus" }>) => gpuMarks(evidence, rules)),
);

/** A mark that holds now, with the piece that began its run and the last that repeats it. */
export interface Run {
  mark: Mark;
  first: Piece;
  last: Piece;
}

/** The runs that are open after the last of these pieces, which all speak of one subject (one evidence key). */
export function openRuns(pieces: readonly Piece[], rules: HealthRules): Run[] {
  // Most of what is known of a server is that a part of it is well.
  if (!pieces.some(({ evidence }) => marksOf(evidence, rules).length > 0)) return [];
  let open = new Map<string, Run>();
  for (const piece of inOrder(pieces)) {
    const next = new Map<string, Run>();
    for (const mark of marksOf(piece.evidence, rules)) {
      const key = `${mark.code} ${mark.subject} ${mark.run ?? ""}`;
      next.set(key, { mark, first: open.get(key)?.first ?? piece, last: piece });
    }
    open = next;
  }
  return [...open.values()];
}
