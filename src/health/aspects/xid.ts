import type { Finding } from "../finding.ts";
import { type Incident, incidentsOf, type Sighting } from "../incidents.ts";
import { compareRemedies, REMEDIES, type Remedy, stopsService } from "../remedy.ts";
import type { HealthRules } from "../rules.ts";
import type { Piece, ServerEvidence, Treatment } from "../server-evidence.ts";

/** What each treatment undoes. A new process does not apply a pending remap; a reboot does not mend a cable. */
const CURES: Readonly<Record<Treatment["what"], readonly Remedy[]>> = {
  "new-process": ["restart-group"],
  "planned-stop": ["restart-group"],
  reset: ["watch", "schedule-reset", "restart-group", "failover-reset"],
  reboot: ["watch", "schedule-reset", "restart-group", "failover-reset", "failover-reboot"],
  repair: REMEDIES,
};

/**
 * Faults that the kernel log tells and that nothing has undone yet. A fault of a GPU concerns whatever runs on it.
 *
 * @param lines the pieces that are lines of the kernel log
 */
export function kernelFindings(
  known: ServerEvidence,
  lines: readonly Piece[],
  atMs: number,
  rules: HealthRules,
): Finding[] {
  if (lines.length === 0) return [];
  const sightings = lines.flatMap((piece) => sighting(known.server, piece));
  const cuts = known.treatments.map((treatment) => treatment.atMs);
  const found = new Map<string, Finding>();
  for (const incident of incidentsOf(sightings, rules, cuts)) {
    if (isUndone(incident, known.treatments, atMs, rules)) continue;
    const finding = findingOf(incident);
    const key = `${finding.code} ${finding.subject}`;
    const before = found.get(key);
    // The same fault after some silence is still the same fault: one finding, from its first bad moment.
    found.set(key, before === undefined ? finding : joined(before, finding));
  }
  return [...found.values()];
}

function findingOf(incident: Incident): Finding {
  const { decidedBy, server, pci, remedy, sinceMs, endsProcessMs, reason, rests } = incident;
  const moves = stopsService(remedy) ? "now" : "never";
  return {
    code: decidedBy,
    server,
    subject: `gpu ${pci}`,
    group: null,
    remedy,
    moves,
    sinceMs,
    confirmed: true,
    reason,
    rests,
    ...(endsProcessMs === undefined ? {} : { endsProcessMs }),
  };
}

function joined(first: Finding, later: Finding): Finding {
  const stronger = compareRemedies(later.remedy, first.remedy) > 0 ? later : first;
  const isBoth = first.endsProcessMs !== undefined && later.endsProcessMs !== undefined;
  const endsProcessMs = isBoth ? Math.max(first.endsProcessMs ?? 0, later.endsProcessMs ?? 0) : undefined;
  return { ...stronger, sinceMs: first.sinceMs, endsProcessMs, rests: [...first.rests, ...later.rests] };
}

function sighting(server: string, piece: Piece): Sighting[] {
  if (piece.evidence.kind !== "kernel-log") return [];
  return [
    {
      server,
      atMs: piece.arrivedMonoMs,
      line: piece.evidence.line,
      piece: { agent: piece.agent, seq: piece.seq },
      continues: piece.continues === true,
    },
  ];
}

function isUndone(
  { remedy, lastMs }: Incident,
  treatments: readonly Treatment[],
  atMs: number,
  rules: HealthRules,
): boolean {
  if (remedy === "watch" && atMs - lastMs > rules.watchForMs) return true;
  return treatments.some((treatment) => treatment.atMs >= lastMs && CURES[treatment.what].includes(remedy));
}
