import { findingsOf } from "../../health/findings.ts";
import type { HealthRules } from "../../health/rules.ts";
import type { ServerEvidence } from "../../health/server-evidence.ts";
import type { GatewayReport } from "../observed.ts";

/** What is heard of the active group at this moment, on the observer's clock. */
export interface Outlook {
  active: string;
  /** The highest that anybody has said. */
  epoch: number;
  gateways: readonly GatewayReport[];
  /** Of the active group. */
  servers: readonly ServerEvidence[];
  /** All others: when none of them is heard either, it is we who hear nothing. */
  neighbours: readonly ServerEvidence[];
}

/** One thing that says that the standby may be needed at once. The same key is the same sign. */
export interface Sign {
  key: string;
  reason: string;
}

/**
 * Silence of a server that counts, milliseconds. Ours: beats come every 250 ms (measured: 275 on a busy machine), and the
 * gateways move 600 ms after the last one; what is ended now has left the engine's queue by then.
 */
export const SIGN_SILENCE_MS = 400;

/**
 * Every sign that stands at `atMs`. An epoch is a sign for as long as it is new: the caller keeps what it has seen.
 *
 * @param silenceMs silence that counts; more than {@link SIGN_SILENCE_MS} where shorter ones ended by themselves
 */
export function signsOf(outlook: Outlook, atMs: number, rules: HealthRules, silenceMs = SIGN_SILENCE_MS): Sign[] {
  const { active, epoch, gateways, servers, neighbours } = outlook;
  const isHeard = ({ lastHeardMs }: ServerEvidence) => lastHeardMs !== null && atMs - lastHeardMs <= silenceMs;
  const hearing = [...servers, ...neighbours].some(isHeard);
  return [
    { key: `epoch ${epoch}`, reason: `epoch ${epoch} has begun` },
    ...gateways
      .filter(({ group }) => group !== active)
      .map(({ replica, group }) => ({
        key: `gateway ${replica} ${group}`,
        reason: `gateway ${replica} uses group ${group}`,
      })),
    ...servers.flatMap((server) => [
      ...wordsOf(server, atMs, rules),
      ...(hearing && server.lastHeardMs !== null && !isHeard(server)
        ? [silence(server.server, atMs - server.lastHeardMs)]
        : []),
    ]),
  ];
}

/** When the first server that is heard now will have been silent for too long; null where none is heard. */
export function nextSilenceMs({ servers }: Outlook, atMs: number, silenceMs = SIGN_SILENCE_MS): number | null {
  const due = servers.flatMap(({ lastHeardMs }) =>
    lastHeardMs === null || atMs - lastHeardMs > silenceMs ? [] : [lastHeardMs + silenceMs],
  );
  return due.length === 0 ? null : Math.min(...due);
}

function silence(server: string, ms: number): Sign {
  return { key: `silent ${server}`, reason: `${server}: silent for ${Math.round(ms)} ms` };
}

function wordsOf(known: ServerEvidence, atMs: number, rules: HealthRules): Sign[] {
  const { server, connection } = known;
  // Confirmed or not: what is about to be a reason to move traffic is reason enough to leave the standby alone.
  const found = findingsOf(known, atMs, rules)
    .filter(({ moves }) => moves === "now")
    .map(({ subject, code, reason }) => ({
      key: `${server} ${subject} ${code}`,
      reason: `${server}, ${subject}: ${reason} [${code}]`,
    }));
  if (connection?.state !== "lost") return found;
  return [...found, { key: `away ${server}`, reason: `${server}: connection lost (${connection.reason})` }];
}
