import type { Finding } from "./finding.ts";
import { DEFAULT_HEALTH_RULES, type HealthRules, witnessMarginMs } from "./rules.ts";
import type { ServerEvidence } from "./server-evidence.ts";

/** What an observer knows of the traffic of one group, besides the agents. */
export interface GroupTraffic {
  /** Arrival of the last token of any stream of the group; null if there was none. */
  lastTokenMs: number | null;
  /** A request of the observer's own that nobody answered yet, for a group without traffic. */
  unansweredCanarySinceMs: number | null;
  /** It is stopped, or loads: its silence proves nothing. A token that came proves as much as ever. */
  owesNone?: boolean;
}

/** What the other observers (the gateways) have of one server. One whose agent ended is not in it. */
export interface Witness {
  /** When one of them last heard it, on our clock. */
  heardMs: number;
  /** None that has heard it is heard itself, or their own links are bad: that they say no more proves nothing. */
  isGone?: boolean;
}

export interface Listening {
  /** Since when we listen: who was heard by nobody since then may have been silent before. */
  sinceMs: number;
  witnesses: ReadonlyMap<string, Witness>;
}

/**
 * Nobody here heard it at that time: it has been silent since before then, or was heard anew only after it. What ended there or
 * beside it then may have ended because its network had gone. Before it was ever heard nothing is known.
 */
export function wasUnheardAt(
  { lastHeardMs, greeting }: ServerEvidence,
  atMs: number,
  { blindAfterMs }: HealthRules = DEFAULT_HEALTH_RULES,
): boolean {
  if (lastHeardMs === null) return false;
  if (atMs - lastHeardMs > blindAfterMs) return true;
  if (greeting === null || !Number.isFinite(greeting.floorMs)) return false;
  const isBetween = greeting.floorMs <= atMs && atMs <= greeting.atMs;
  return isBetween && greeting.atMs - greeting.floorMs > blindAfterMs;
}

/**
 * Servers of a group whose silence is a fault: neighbours are heard, a gateway heard it for as long as we did and hears it no
 * more either, and the group gives no token (every token proves all ranks alive). When nobody is heard the observer itself stood
 * still or lost its link. One observer alone cannot tell a link from a server: what only we heard fall silent waits for
 * Kubernetes, which does not hear its kubelet either after 40 s.
 *
 * @param listening null where there are no others to ask: the own word counts alone
 */
export function silentServers(
  group: string,
  members: readonly ServerEvidence[],
  everyone: readonly ServerEvidence[],
  traffic: GroupTraffic,
  atMs: number,
  rules: HealthRules = DEFAULT_HEALTH_RULES,
  listening: Listening | null = null,
): Finding[] {
  const isHeard = ({ lastHeardMs }: ServerEvidence) => lastHeardMs !== null && atMs - lastHeardMs <= rules.blindAfterMs;
  return members.flatMap((member) => {
    const { server, lastHeardMs, connection } = member;
    if (isHeard(member)) return [];
    const witness = listening?.witnesses.get(server);
    if (witness !== undefined && atMs - witness.heardMs <= witnessMarginMs(rules)) return [];
    // Who is gone says nothing of the time since, and who had lost it while we heard it cannot hear it fall silent.
    const isSecond =
      witness !== undefined &&
      !witness.isGone &&
      (lastHeardMs ?? Number.NEGATIVE_INFINITY) - witness.heardMs <= witnessMarginMs(rules);
    if (listening !== null && !isSecond) return [];
    if (lastHeardMs === null) {
      // We have no word of our own: only who has heard it before, and hears it no more, can say that it fell silent.
      if (listening === null || atMs - listening.sinceMs < rules.firstWordWithinMs) return [];
    } else if (connection?.state === "lost" && connection.sinceMs - lastHeardMs <= rules.closedAtOnceMs) {
      // An agent that ends is no server that does: what the group lacks has another reason.
      return [];
    }
    if (!everyone.some((other) => other.server !== server && isHeard(other))) return [];
    const heardMs = Math.max(lastHeardMs ?? Number.NEGATIVE_INFINITY, witness?.heardMs ?? Number.NEGATIVE_INFINITY);
    const { lastTokenMs, unansweredCanarySinceMs, owesNone = false } = traffic;
    // The token that came after the last beat shows that the server lived on; the fault is younger than it.
    const aliveMs = Math.max(heardMs, lastTokenMs ?? Number.NEGATIVE_INFINITY);
    const wanted = !owesNone && (lastTokenMs !== null || unansweredCanarySinceMs !== null);
    if (!wanted || atMs - aliveMs <= rules.blindAfterMs) return [];
    const unheardAlone = aliveMs - heardMs > rules.blindAfterMs;
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
        reason: `no beat for ${Math.round(atMs - heardMs)} ms and no token, while its neighbours are heard`,
        // It rests on what did not come.
        rests: [],
      },
    ];
  });
}
