import { type Judgement, judgeLine } from "./judge-line.ts";
import type { GpuLogLine } from "./kernel-line.ts";
import { compareRemedies, type Remedy, stopsService } from "./remedy.ts";

/** A GPU line of one server's kernel log, with the time it was read on the observer's clock. */
export interface Sighting {
  server: string;
  atMs: number;
  line: GpuLogLine;
  /** The piece of evidence it came in, so that a decision can name what it rests on. */
  piece?: { agent: string; seq: number };
  /** Repeats before this line were dropped: the gap before it is none. */
  continues?: boolean;
}

/** Lines of one server that belong together: XIDs travel in packs, and a pack is one fault. */
export interface Incident {
  server: string;
  pci: string;
  /** The first bad moment; later lines of the pack never move it, but for the first that stops what served until then. */
  sinceMs: number;
  lastMs: number;
  remedy: Remedy;
  reason: string;
  codes: number[];
  /** The line that decided the remedy. */
  decidedBy: Judgement["decidedBy"];
  /** The last line of it that ends a process and leaves the GPU usable, also where its repetition is taken for hardware. */
  endsProcessMs?: number;
  /** The pieces that brought a code for the first time. */
  rests: { agent: string; seq: number }[];
}

export interface IncidentRules {
  /** Silence that ends a pack. NVIDIA's fleet tools group with 3 minutes. */
  burstGapMs: number;
  /** A second `restart-group` on one GPU inside this time is hardware (NVIDIA workflows 13, 31; XID 94). The window is ours. */
  repeatWindowMs: number;
  overrides: Readonly<Record<number, Remedy>>;
}

export const DEFAULT_RULES: IncidentRules = { burstGapMs: 180_000, repeatWindowMs: 86_400_000, overrides: {} };

/** `stopsMs`: the last line that stops what served; later ones may only tell of wear. */
type OpenIncident = Incident & { decidedByDriver: boolean; stopsMs: number };

/**
 * Groups sightings (any order) into incidents per GPU or switch, oldest first; the same input gives the same output. A moment
 * of `cutsMs` (a reboot, a new process) ends the pack before it: what comes later is a new fault.
 */
export function incidentsOf(
  sightings: readonly Sighting[],
  rules: IncidentRules = DEFAULT_RULES,
  cutsMs: readonly number[] = [],
): Incident[] {
  const sorted = sightings.toSorted((a, b) => a.atMs - b.atMs || a.line.sequence - b.line.sequence);
  const done: OpenIncident[] = [];
  const open = new Map<string, OpenIncident>();
  for (const { server, atMs, line, piece, continues } of sorted) {
    const key = `${server} ${line.pci}`;
    const { remedy, name, reason: why, code, decidedBy, byDriver: decidedByDriver } = judgeLine(line, rules.overrides);
    const reason = `${name}: ${why}`;
    const rests = piece === undefined ? [] : [piece];
    const current = open.get(key);
    if (current === undefined || isApart(current.lastMs, atMs, continues === true, rules, cutsMs)) {
      if (remedy === "ignore") {
        open.delete(key);
        continue;
      }
      const base = { server, pci: line.pci, sinceMs: atMs, lastMs: atMs, remedy, reason, codes: [code] };
      const incident = { ...base, decidedBy, rests, decidedByDriver, stopsMs: atMs };
      open.set(key, incident);
      done.push(incident);
      continue;
    }
    current.lastMs = atMs;
    if (stopsService(remedy)) current.stopsMs = atMs;
    if (!current.codes.includes(code)) {
      current.codes.push(code);
      current.rests.push(...rests);
    }
    // The driver's own verdict comes before ours, whichever came first; among ours the one that asks for most counts.
    if (decidedByDriver || (!current.decidedByDriver && compareRemedies(remedy, current.remedy) > 0)) {
      // A GPU whose memory merely wears has served until now.
      if (stopsService(remedy) && !stopsService(current.remedy)) current.sinceMs = atMs;
      Object.assign(current, { remedy, reason, decidedBy, decidedByDriver });
    }
  }
  return done.map((incident, at) => escalate(incident, done.slice(0, at), rules));
}

/** Whether a line begins a new pack: silence before it, or something that was done in between. */
export function isApart(
  lastMs: number,
  atMs: number,
  continues: boolean,
  rules: IncidentRules,
  cutsMs: readonly number[],
): boolean {
  // What came at once, after we had stood still, is of one moment: the process that came with the lines came after them.
  if (atMs > lastMs && cutsMs.some((cutMs) => cutMs >= lastMs && cutMs <= atMs)) return true;
  return !continues && atMs - lastMs > rules.burstGapMs;
}

function escalate(
  { decidedByDriver: _, stopsMs, ...plain }: OpenIncident,
  earlier: readonly Incident[],
  rules: IncidentRules,
): Incident {
  const { server, pci, sinceMs, remedy, reason } = plain;
  if (remedy !== "restart-group") return plain;
  const before = earlier.find(
    (other) =>
      other.server === server &&
      other.pci === pci &&
      other.remedy === "restart-group" &&
      sinceMs - other.lastMs <= rules.repeatWindowMs,
  );
  if (before === undefined) return { ...plain, endsProcessMs: stopsMs };
  const [part, kind] = before.decidedBy.startsWith("sxid-") ? ["switch", "SXid"] : ["GPU", "XID"];
  return {
    ...plain,
    endsProcessMs: stopsMs,
    remedy: "failover-reset",
    reason: `${reason} Second time on this ${part} (first: ${kind} ${before.codes.join(", ")}), so it is hardware.`,
  };
}
