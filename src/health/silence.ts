import type { Finding } from "./finding.ts";
import { DEFAULT_HEALTH_RULES, type HealthRules } from "./rules.ts";
import type { ServerEvidence } from "./server-evidence.ts";

/** What an observer knows of the traffic of one group, besides the agents. */
export interface GroupTraffic {
  /** Arrival of the last token of any stream of the group; null if there was none. */
  lastTokenMs: number | null;
  /** A request of the observer's own that nobody answered yet, for a group without traffic. */
  unansweredCanarySinceMs: number | null;
}

/**
 * Servers of a group whose silence is a fault: neighbours are heard, and the group gives no token either (every token proves all
 * ranks alive). When nobody is heard the observer itself stood still or lost its link, and that is no fault of theirs.
 */
export function silentServers(
  group: string,
  members: readonly ServerEvidence[],
  everyone: readonly ServerEvidence[],
  traffic: GroupTraffic,
  atMs: number,
  rules: HealthRules = DEFAULT_HEALTH_RULES,
): Finding[] {
  const isHeard = ({ lastHeardMs }: ServerEvidence) => lastHeardMs !== null && atMs - lastHeardMs <= rules.blindAfterMs;
  return members.flatMap((member) => {
    const { server, lastHeardMs, connection } = member;
    if (lastHeardMs === null || isHeard(member)) return [];
    // An agent that ends is no server that does: what the group lacks has another reason.
    if (connection?.state === "lost" && connection.sinceMs - lastHeardMs <= rules.closedAtOnceMs) return [];
    if (!everyone.some((other) => other.server !== server && isHeard(other))) return [];
    // The token that came after the last beat shows that the server lived on; the fault is younger than it.
    const aliveMs = Math.max(lastHeardMs, traffic.lastTokenMs ?? Number.NEGATIVE_INFINITY);
    const wanted = traffic.lastTokenMs !== null || traffic.unansweredCanarySinceMs !== null;
    if (!wanted || atMs - aliveMs <= rules.blindAfterMs) return [];
    const unheardAlone = aliveMs - lastHeardMs > rules.blindAfterMs;
    return [
      {
        code: "server-silent" as const,
        server,
        subject: "server",
        group,
        remedy: "failover-reboot" as const,
        // Long unheard while tokens flowed: its silence is the link's, and the tokens may have stopped for another reason.
        moves: unheardAlone ? ("never" as const) : ("now" as const),
        sinceMs: aliveMs,
        confirmed: true,
        reason: `no beat for ${Math.round(atMs - lastHeardMs)} ms and no token, while its neighbours are heard`,
        // It rests on what did not come.
        rests: [],
      },
    ];
  });
}
