import type { DecisionStatus } from "../manifests/model-service/resource.ts";
import { ago } from "./decision.ts";
import { leaderlessText } from "./leadership.ts";
import type { StackStatus } from "./stack-status.ts";

/** Something that is wrong, stopped or pending: it stands before everything else, wherever a status is shown. */
export interface Alarm {
  tone: "bad" | "warn" | "note";
  title: string;
  /** ISO 8601; null where nobody knows since when. */
  since: string | null;
  detail: string;
}

const STOPPED = {
  hold: "HOLDING REQUESTS",
  shed: "REFUSING REQUESTS",
  silent: "NO GATEWAY ANSWERS",
  use: "",
} as const;

/** In the order in which a person should read them. */
export function alarmsOf({
  choice,
  reason,
  takeover,
  gateway,
  reconciler,
  reconcilerMissing,
  active,
  lease,
  leaseMissing,
}: StackStatus): Alarm[] {
  const { paused, request } = reconciler ?? { paused: null, request: null };
  const silent = Object.entries(gateway.replicas).flatMap(([server, state]) => (state === "silent" ? [server] : []));
  const elsewhere = Object.entries(gateway.uses).filter(([, group]) => group !== null && group !== active);
  return [
    // Before all else: it tells of when the rest is.
    ...(lease?.stale ? [alarm("bad", "NOBODY LOOKS AFTER IT", leaderlessText(lease))] : []),
    ...(choice === "use" ? [] : [alarm("bad", STOPPED[choice], reason)]),
    ...personAlarm(reconciler?.decision),
    ...(paused === null
      ? []
      : [alarm("warn", `PAUSED by ${paused.by}`, `${paused.reason}; nothing is done until: tandem resume`, paused.at)]),
    ...(reconciler === null || reconciler.serving
      ? []
      : [alarm("bad", "NOT SERVING, by the reconciler's word", "see the groups below")]),
    ...(takeover.ready ? [] : [alarm("bad", "NO TAKEOVER POSSIBLE", takeover.reasons.join("; "))]),
    ...(reconciler?.servers ?? []).flatMap(({ name, quarantine, fence }) => {
      if (quarantine === undefined) return [];
      const isFenced = fence?.fenced === true;
      const proof = isFenced ? `fenced: ${fence.reason}` : `NOT FENCED: ${fence?.reason ?? "no proof yet"}`;
      const title = `OUT OF SERVICE ${name}, needs ${quarantine.remedy}`;
      return [alarm(isFenced ? "warn" : "bad", title, `${quarantine.reason}; ${proof}`)];
    }),
    ...waitingAlarm(reconciler?.decision),
    ...elsewhere.map(([server, group]) =>
      alarm("warn", `gateway on ${server} uses ${group}, the ModelService says ${active}`),
    ),
    ...(request === null
      ? []
      : [alarm("note", `asked for: ${request.kind} ${request.target}, by ${request.by}`, "", request.at)]),
    ...(silent.length > 0 ? [alarm("warn", `gateway on ${silent.join(", ")} does not answer`)] : []),
    ...(reconcilerMissing === null ? [] : [alarm("warn", "by the gateways alone", reconcilerMissing)]),
    // Where the reconciler's side is missing as a whole, the line before this one has said so.
    ...(leaseMissing === null || reconcilerMissing !== null
      ? []
      : [alarm("note", "not known whether anybody looks after it", leaseMissing)]),
  ];
}

function personAlarm(decision: DecisionStatus | undefined): Alarm[] {
  if (decision?.kind !== "escalate") return [];
  const { detail, since, fix } = decision;
  return [alarm("bad", "A PERSON IS NEEDED", `${detail}${fix === undefined ? "" : `. To do: ${fix}`}`, since)];
}

function waitingAlarm(decision: DecisionStatus | undefined): Alarm[] {
  return decision?.kind === "wait" ? [alarm("note", "WAITING", decision.detail, decision.since)] : [];
}

/** The same as a line. */
export function alarmText({ title, since, detail }: Alarm, atMs: number): string {
  return `${title}${since === null ? "" : ` ${ago(since, atMs)}`}${detail === "" ? "" : `: ${detail}`}`;
}

function alarm(tone: Alarm["tone"], title: string, detail = "", since: string | null = null): Alarm {
  return { tone, title, since, detail };
}
