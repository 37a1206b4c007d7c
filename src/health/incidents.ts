import type { GpuLogLine, RecoveryAction } from "./kernel-line.ts";
import { compareRemedies, type Remedy } from "./remedy.ts";
import { xidPolicy } from "./xid-policy.ts";

/** A GPU line of one server's kernel log, with the time it was read on the observer's clock. */
export interface Sighting {
  server: string;
  atMs: number;
  line: GpuLogLine;
}

/** Lines of one server that belong together: XIDs travel in packs, and a pack is one fault. */
export interface Incident {
  server: string;
  pci: string;
  /** The first bad moment; later lines of the pack never move it. */
  sinceMs: number;
  lastMs: number;
  remedy: Remedy;
  reason: string;
  codes: number[];
}

export interface IncidentRules {
  /** Silence that ends a pack. NVIDIA's fleet tools group with 3 minutes. */
  burstGapMs: number;
  /** A second `restart-group` on one GPU inside this time is hardware (NVIDIA workflows 13, 31; XID 94). The window is ours. */
  repeatWindowMs: number;
  overrides: Readonly<Record<number, Remedy>>;
}

export const DEFAULT_RULES: IncidentRules = { burstGapMs: 180_000, repeatWindowMs: 86_400_000, overrides: {} };

const BY_ACTION: Record<RecoveryAction, Remedy> = {
  none: "ignore",
  "gpu-reset": "failover-reset",
  "node-reboot": "failover-reboot",
  // Peer-to-peer traffic must stop before the reset; every rank of the group uses it.
  "drain-p2p": "failover-reset",
  "drain-and-reset": "failover-reset",
};

/** Groups sightings (any order) into incidents per GPU or switch, oldest first; the same input gives the same output. */
export function incidentsOf(sightings: readonly Sighting[], rules: IncidentRules = DEFAULT_RULES): Incident[] {
  const sorted = sightings.toSorted((a, b) => a.atMs - b.atMs || a.line.sequence - b.line.sequence);
  const done: Incident[] = [];
  const open = new Map<string, Incident & { decidedByDriver: boolean }>();
  for (const { server, atMs, line } of sorted) {
    const key = `${server} ${line.pci}`;
    const { remedy, reason, code } = judge(line, rules);
    const current = open.get(key);
    if (current === undefined || atMs - current.lastMs > rules.burstGapMs) {
      if (remedy === "ignore") continue;
      const decidedByDriver = line.kind === "recovery-action";
      const incident = {
        server,
        pci: line.pci,
        sinceMs: atMs,
        lastMs: atMs,
        remedy,
        reason,
        codes: [code],
        decidedByDriver,
      };
      open.set(key, incident);
      done.push(incident);
      continue;
    }
    current.lastMs = atMs;
    if (!current.codes.includes(code)) current.codes.push(code);
    // The driver's own verdict comes before ours, whichever came first; among ours the one that asks for most counts.
    const driverSpeaks = line.kind === "recovery-action" && line.action !== "none";
    if (driverSpeaks || (!current.decidedByDriver && compareRemedies(remedy, current.remedy) > 0)) {
      Object.assign(current, { remedy, reason, decidedByDriver: driverSpeaks });
    }
  }
  return done.map((incident, at) => escalate(incident, done.slice(0, at), rules));
}

function judge(line: GpuLogLine, rules: IncidentRules): { remedy: Remedy; reason: string; code: number } {
  switch (line.kind) {
    case "xid": {
      const { remedy, reason } = xidPolicy(line.code, rules.overrides);
      return { remedy, reason: `XID ${line.code}: ${reason}`, code: line.code };
    }
    case "recovery-action":
      return { remedy: BY_ACTION[line.action], reason: `XID 154: the driver asks for ${line.action}`, code: 154 };
    case "sxid": {
      const remedy: Remedy = line.fatal ? "failover-reset" : "watch";
      const reason = line.fatal
        ? "a fatal NVSwitch error ends every collective over NVLink"
        : "a non-fatal NVSwitch error";
      return { remedy, reason: `SXid ${line.code}: ${reason}`, code: line.code };
    }
  }
}

function escalate(
  incident: Incident & { decidedByDriver?: boolean },
  earlier: readonly Incident[],
  rules: IncidentRules,
): Incident {
  const { server, pci, sinceMs, lastMs, remedy, reason, codes } = incident;
  const plain: Incident = { server, pci, sinceMs, lastMs, remedy, reason, codes };
  if (remedy !== "restart-group") return plain;
  const before = earlier.find(
    (other) =>
      other.server === server &&
      other.pci === pci &&
      other.remedy === "restart-group" &&
      sinceMs - other.lastMs <= rules.repeatWindowMs,
  );
  if (before === undefined) return plain;
  return {
    ...plain,
    remedy: "failover-reset",
    reason: `${reason} Second time on this GPU (first: XID ${before.codes.join(", ")}), so it is hardware.`,
  };
}
