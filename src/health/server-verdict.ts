import type { Finding } from "./finding.ts";
import { findingsOf } from "./findings.ts";
import { compareRemedies, type Remedy } from "./remedy.ts";
import { DEFAULT_HEALTH_RULES, type HealthRules } from "./rules.ts";
import type { ServerEvidence } from "./server-evidence.ts";

/**
 * What the evidence says about one server. `suspect`: its ranks are dead or about to be. `watch`: it serves, something is
 * amiss. `blind`: we do not hear it, and that is all we know.
 */
export interface ServerVerdict {
  server: string;
  state: "healthy" | "watch" | "suspect" | "blind";
  /** What the server needs before it may serve again; null where nothing is known to be wrong. */
  remedy: Remedy | null;
  /** A switchover without an error is worth while, though the server serves. */
  wantsSwitch: boolean;
  /** The first bad moment; null when healthy. */
  sinceMs: number | null;
  /** A suspect that is not heard either; what it said before still stands. */
  heard: boolean;
  reason: string;
  findings: readonly Finding[];
}

/**
 * The verdict at `atMs`. `previous` keeps the first bad moment when the reason changes (a stopped rank that then exits): a
 * timer that starts anew with every reason never runs out.
 */
export function serverVerdict(
  known: ServerEvidence,
  atMs: number,
  rules: HealthRules = DEFAULT_HEALTH_RULES,
  previous: Pick<ServerVerdict, "state" | "sinceMs"> | null = null,
): ServerVerdict {
  const { server } = known;
  const findings = findingsOf(known, atMs, rules);
  const silence = silenceOf(known, atMs, rules);
  const fatal = findings.filter(({ moves, confirmed }) => moves === "now" && confirmed);
  const base = { server, heard: silence === null, findings };
  const wantsSwitch = findings.some(({ moves, confirmed }) => moves === "planned" && confirmed);

  const [worst] = fatal;
  if (worst !== undefined) {
    const since = Math.min(...fatal.map(({ sinceMs }) => sinceMs));
    const before = previous?.state === "suspect" ? (previous.sinceMs ?? since) : since;
    return {
      ...base,
      state: "suspect",
      remedy: strongestRemedy(fatal),
      wantsSwitch: false,
      sinceMs: Math.min(since, before),
      reason: `${worst.subject}: ${worst.reason} [${worst.code}]`,
    };
  }
  if (silence !== null) {
    return {
      ...base,
      state: "blind",
      remedy: null,
      wantsSwitch: false,
      sinceMs: silence.sinceMs,
      reason: silence.reason,
    };
  }
  const [first] = findings;
  if (first === undefined) {
    return { ...base, state: "healthy", remedy: null, wantsSwitch, sinceMs: null, reason: "nothing is wrong" };
  }
  return {
    ...base,
    state: "watch",
    remedy: strongestRemedy(findings),
    wantsSwitch,
    sinceMs: Math.min(...findings.map(({ sinceMs }) => sinceMs)),
    reason: `${first.subject}: ${first.reason} [${first.code}]`,
  };
}

/** It can serve, and something on it waits for a reset. */
export function isResetDue({ state, findings }: Pick<ServerVerdict, "state" | "findings">): boolean {
  return state === "watch" && findings.some(({ remedy }) => remedy === "schedule-reset");
}

/** The strongest remedy; where the driver gave its own verdict about a GPU, ours about that GPU does not count. */
export function strongestRemedy(findings: readonly Finding[]): Remedy | null {
  const pciOf = ({ subject }: Finding) => /[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}/.exec(subject)?.[0];
  const byDriver = ({ code }: Finding) => code === "xid-154" || code === "driver-verdict";
  const decided = new Set(findings.filter(byDriver).map(pciOf));
  const isCounted = (finding: Finding) => decided.size === 0 || byDriver(finding) || !decided.has(pciOf(finding));
  let strongest: Remedy | null = null;
  for (const finding of findings) {
    if (!isCounted(finding)) continue;
    if (strongest === null || compareRemedies(finding.remedy, strongest) > 0) strongest = finding.remedy;
  }
  return strongest;
}

/** Whether the server is unheard, since when and how. */
function silenceOf(
  { lastHeardMs, connection }: ServerEvidence,
  atMs: number,
  { blindAfterMs }: HealthRules,
): { sinceMs: number | null; reason: string } | null {
  if (lastHeardMs === null) return { sinceMs: null, reason: "never heard" };
  if (connection?.state === "lost") {
    return { sinceMs: Math.min(lastHeardMs, connection.sinceMs), reason: `connection lost (${connection.reason})` };
  }
  const silentMs = atMs - lastHeardMs;
  return silentMs > blindAfterMs ? { sinceMs: lastHeardMs, reason: `silent for ${Math.round(silentMs)} ms` } : null;
}
