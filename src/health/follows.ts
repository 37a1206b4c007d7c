import { type Remedy, stopsService } from "./remedy.ts";

/** One end of one group, as it is remembered for the question below. */
export interface Crash {
  group: string;
  /** The blamed server; null where none was. */
  server: string | null;
  atMs: number;
  /** What it looked like: the code of the finding that was blamed, and the fingerprint of the request where one is known. */
  fingerprint: string;
  remedy: Remedy;
  /** What the group ran with, where that is known. */
  revision?: string | undefined;
  /** A server of the group was not heard then: its network may have ended it. */
  inSilence?: true | undefined;
}

/** A change of engine, flags, model or driver. */
export interface Change {
  group: string;
  atMs: number;
  what: string;
}

export interface FollowRules {
  /** Crashes further apart are not compared. */
  compareWithinMs: number;
  /** A crash this soon after a change is the change's. */
  changeWithinMs: number;
}

/** Ours: a poison request is sent again within minutes; a bad image crashes while it loads or at its first long batch. */
export const DEFAULT_FOLLOW_RULES: FollowRules = { compareWithinMs: 3_600_000, changeWithinMs: 1_800_000 };

export interface Follows {
  /** `server`: replace or reset it. `workload`: the next group would crash as well, automation stops. */
  what: "server" | "workload" | "unknown";
  reason: string;
  /** The group that ended in the same way before. */
  twin?: string;
}

/**
 * Does the last fault follow the workload or the server? Hardware evidence names the server. A software crash that looks the
 * same on two groups, or that comes soon after a change, is the workload's: a second group spent on it would be lost too.
 */
export function follows(
  crashes: readonly Crash[],
  changes: readonly Change[] = [],
  rules: FollowRules = DEFAULT_FOLLOW_RULES,
): Follows {
  const sorted = crashes.toSorted((a, b) => a.atMs - b.atMs);
  const last = sorted.at(-1);
  if (last === undefined) return { what: "unknown", reason: "nothing crashed" };
  if (last.remedy !== "restart-group" && stopsService(last.remedy)) {
    return {
      what: "server",
      reason: `${last.fingerprint} is evidence of hardware on ${last.server ?? "an unknown server"}`,
    };
  }
  const near = sorted.filter((crash) => crash !== last && last.atMs - crash.atMs <= rules.compareWithinMs);
  const twin = near.find((crash) => crash.fingerprint === last.fingerprint && crash.group !== last.group);
  if (twin !== undefined) {
    const reason = `${last.fingerprint} ended group ${twin.group} and then group ${last.group}: it came with the work`;
    return { what: "workload", reason, twin: twin.group };
  }
  const change = changes.find(
    ({ group, atMs }) => group === last.group && atMs <= last.atMs && last.atMs - atMs <= rules.changeWithinMs,
  );
  if (change !== undefined) {
    const minutes = Math.round((last.atMs - change.atMs) / 60_000);
    return { what: "workload", reason: `${change.what} was changed on group ${last.group} ${minutes} min before` };
  }
  const again = near.filter((crash) => crash.server !== null && crash.server === last.server);
  const elsewhere = near.some((crash) => crash.server !== null && crash.server !== last.server);
  if (last.server !== null && again.length > 0 && !elsewhere) {
    return {
      what: "server",
      reason: `${last.server} is where it starts for the ${ordinal(again.length + 1)} time, others are well`,
    };
  }
  return { what: "unknown", reason: "one software crash says nothing yet" };
}

function ordinal(count: number): string {
  return ["first", "second", "third"][count - 1] ?? `${count}th`;
}
