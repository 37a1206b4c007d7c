import type { ServerView } from "../failover/choose/view.ts";
import type { Choice } from "../failover/choose.ts";
import type { LastFailover } from "../stream/last-failover.ts";
import type { Group } from "./groups/group.ts";
import type { Role } from "./roles.ts";
import type { WatchClock } from "./watch-clock.ts";

/** What `GET /status` of the admin port answers. */
export interface GatewayStatus {
  /** Another one whenever this gateway does something else, or knows more of its last failover: `?after=VERSION` waits for it. */
  version: number;
  /** Its clock: whoever compares a time of `lastFailover` or `/decisions` with its own begins with this. */
  wallMs: number;
  /** Null while no group can be used. */
  active: string | null;
  standby: string | null;
  role: Role;
  epoch: number;
  choice: "use" | "hold" | "shed";
  reason: string;
  model: string;
  /** `answeredMs` is since its last token, of a stream or of a question of this gateway's own; null where there was none. */
  groups: Record<
    string,
    {
      state: string;
      reason: string;
      servers: string[];
      url: string;
      requests: number;
      tokens: number;
      answeredMs: number | null;
    }
  >;
  /**
   * What it hears of each agent: a server that one observer does not hear and another does is well, and its link is not.
   * `silentMs` is since the last frame; null where nothing was ever heard. `agent` is where it is heard.
   */
  servers: Record<string, { stream: "open" | "closed" | "never"; silentMs: number | null; agent: string }>;
  requests: number;
  /** The longest that a stream which has begun has been without a token now; null while none has. */
  gapMs: number | null;
  waiting: { carried: number; suspects: number; fresh: number };
  lastFailover: LastFailover | null;
  draining: boolean;
}

/** What is known of each group, as of the last choice. */
export function groupsOf(groups: Iterable<Group>, choice: Choice | null, clock: WatchClock): GatewayStatus["groups"] {
  return Object.fromEntries(
    [...groups].map((group) => {
      const suspicion = choice?.suspicions.find((one) => one.group === group.id);
      const { servers, url, passengers, tokens } = group;
      return [
        group.id,
        {
          state: suspicion?.state ?? "clear",
          reason: suspicion?.reason ?? "",
          servers: [...servers],
          url,
          requests: passengers.size,
          tokens,
          answeredMs: answeredOf(group, clock),
        },
      ];
    }),
  );
}

/** Remembers the last unplanned move and how its streams fared. */
export class FailoverRecord {
  last: LastFailover | null = null;

  moved({ from, to, reason }: { from: string; to: string; reason: string }): void {
    this.last = { at: new Date().toISOString(), from, to, reason, gapMs: null, carried: 0 };
  }

  continued(gapMs: number): void {
    if (this.last === null) return;
    this.last.carried += 1;
    this.last.gapMs = Math.round(Math.max(this.last.gapMs ?? 0, gapMs));
  }
}

/**
 * Milliseconds since its last token, of a stream or of a question of this gateway's own. Real ones: for whoever would stake
 * something on a group, a gateway that was held up knows of no token in that time.
 */
function answeredOf({ lastTokenMs, canary }: Group, clock: WatchClock): number | null {
  const lastMs = Math.max(lastTokenMs ?? Number.NEGATIVE_INFINITY, canary.answeredMs ?? Number.NEGATIVE_INFINITY);
  return Number.isFinite(lastMs) ? Math.round(clock.agoMs(lastMs)) : null;
}

export function heardOf(
  { stream, lastHeardMs }: ServerView,
  nowMs: number,
): Omit<GatewayStatus["servers"][string], "agent"> {
  return { stream, silentMs: stream === "never" ? null : Math.round(nowMs - lastHeardMs) };
}
