import type { Finding, FindingCode } from "./finding.ts";
import { stopsService } from "./remedy.ts";
import { DEFAULT_HEALTH_RULES, type HealthRules } from "./rules.ts";

export interface Blame {
  server: string;
  /** The finding that the blame rests on. */
  finding: Finding;
  reason: string;
  /** Servers of the group whose findings follow from it. */
  victims: readonly string[];
}

/**
 * How near to the cause a finding is. When one rank dies all sixteen scream: a kernel line about a GPU names the place, an exit
 * names whoever noticed first, and the engine's own word names nobody.
 */
const HARDWARE = 4;
const CONNECTION = 3;
const SOFTWARE = 2;
const EXIT = 1;
const NOBODY = 0;

const WEIGHTS: Partial<Record<FindingCode, number>> = {
  "driver-gone": HARDWARE,
  "server-silent": CONNECTION,
  "ib-port-down": CONNECTION,
  "rank-stopped": SOFTWARE,
  "rank-exited": EXIT,
  "engine-exited": EXIT,
};

/** Findings that explain an engine that hangs, though they stop nothing by themselves. */
const SUSPICIOUS: readonly FindingCode[] = [
  "ib-port-down",
  "ib-port-flapping",
  "monitor-hung",
  "thermal-throttle",
  "power-throttle",
  "pcie-width",
  "row-remap-failure",
  "ecc-uncorrected",
];

/**
 * The one server where the evidence starts, or null where none points at a server. The findings are those of all servers of one
 * group at one moment, in any order. `seniority` breaks exact ties: the servers by rank.
 */
export function blame(
  findings: readonly Finding[],
  seniority: readonly string[],
  rules: HealthRules = DEFAULT_HEALTH_RULES,
): Blame | null {
  const ours = findings.filter(({ server }) => seniority.includes(server));
  const fatal = ours.filter(({ moves, confirmed, code }) => moves === "now" && (confirmed || code === "ib-port-down"));
  if (!fatal.some(({ confirmed }) => confirmed)) return null;
  const order = (a: Finding, b: Finding) =>
    weightOf(b) - weightOf(a) ||
    a.sinceMs - b.sinceMs ||
    seniority.indexOf(a.server) - seniority.indexOf(b.server) ||
    compareText(a.subject, b.subject) ||
    compareText(a.code, b.code);
  const [first, ...others] = fatal.toSorted(order);
  if (first === undefined) return null;
  if (weightOf(first) === NOBODY) return byHint(ours, order, first);

  const victims = victimsOf(first, others, rules);
  const why =
    weightOf(first) > EXIT
      ? `${first.code} on ${first.server} names the place`
      : `its ranks ended first, and no hardware speaks`;
  return {
    server: first.server,
    finding: first,
    reason: victims.length === 0 ? why : `${why}; ${victims.join(", ")} followed`,
    victims,
  };
}

/** Servers that failed with the blamed one, within the time that a failure takes to spread, or with weaker evidence. */
function victimsOf(first: Finding, others: readonly Finding[], { propagationMs }: HealthRules): string[] {
  const followed = others.filter(
    (other) =>
      other.server !== first.server &&
      (weightOf(other) < weightOf(first) || other.sinceMs - first.sinceMs <= propagationMs) &&
      weightOf(other) < HARDWARE,
  );
  return [...new Set(followed.map(({ server }) => server))].sort(compareText);
}

/** An engine that hangs names no server; one server of the group may have something that explains it. */
function byHint(ours: readonly Finding[], order: (a: Finding, b: Finding) => number, hang: Finding): Blame | null {
  const hints = ours.filter(({ code }) => SUSPICIOUS.includes(code)).toSorted(order);
  const servers = new Set(hints.map(({ server }) => server));
  const [hint] = hints;
  // Two servers with hints: neither is more likely, and a guess would cost a healthy server.
  if (hint === undefined || servers.size !== 1) return null;
  return {
    server: hint.server,
    finding: hint,
    reason: `${hang.code}, and ${hint.code} on ${hint.server} may explain it`,
    victims: [],
  };
}

function weightOf({ code, remedy, moves }: Finding): number {
  const known = WEIGHTS[code];
  if (known !== undefined) return known;
  if (/^s?xid-/.test(code)) return remedy === "restart-group" ? SOFTWARE : stopsService(remedy) ? HARDWARE : NOBODY;
  if (code.startsWith("engine-")) return NOBODY;
  return moves === "now" && stopsService(remedy) ? HARDWARE : NOBODY;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
