import type { ChooseTiming } from "./timing.ts";
import type { Fault, GatewayView, GroupView, ServerView } from "./view.ts";

/** What speaks against a group. `blind` is ignorance and moves nothing; `suspect` moves traffic. */
export interface Suspicion {
  group: string;
  state: "clear" | "blind" | "suspect";
  reason: string;
  /** The first bad moment. */
  sinceMs: number;
  /**
   * Whether the reason is a fact that nobody disputes (a dead process, a fatal line), or only a silence. What proves a move
   * afterwards proves it before: a silence that lasts is a fact.
   */
  proof: boolean;
  /** A crash that may follow the workload: streams are resumed in stages. */
  software: boolean;
}

/** Judges one group. The strongest reason wins; facts come before silences. */
export function suspicionOf(group: GroupView, view: GatewayView, timing: ChooseTiming): Suspicion {
  return (
    byFault(group) ??
    byBreaks(group, view, timing) ??
    byRefusal(group) ??
    byStoppedRank(group, view, timing) ??
    byStall(group, view, timing) ??
    bySilence(group, view, timing) ?? {
      group: group.id,
      state: "clear",
      reason: "nothing speaks against it",
      sinceMs: view.atMs,
      proof: false,
      software: false,
    }
  );
}

function suspect(group: GroupView, reason: string, sinceMs: number, proof: boolean, software = false): Suspicion {
  return { group: group.id, state: "suspect", reason, sinceMs, proof, software };
}

/** A fault stands until the engine has started again and then answered. */
export function faultStands(fault: Fault, group: GroupView): boolean {
  return fault.restartedMs === null || (group.canary.answeredMs ?? Number.NEGATIVE_INFINITY) <= fault.restartedMs;
}

function byFault(group: GroupView): Suspicion | null {
  if (group.faults.length === 0) return null;
  const standing = group.faults.filter((fault) => faultStands(fault, group));
  const first = standing.toSorted((a, b) => a.atMs - b.atMs)[0];
  if (first === undefined) return null;
  // A word from the hardware explains a dead process, whichever came first; the reverse is not true.
  const named = standing.find(({ software }) => !software) ?? first;
  return suspect(group, `${named.server}: ${named.text}`, first.atMs, true, named.software);
}

function byBreaks(group: GroupView, { atMs }: GatewayView, timing: ChooseTiming): Suspicion | null {
  if (group.breaks.length === 0) return null;
  const since = Math.max(atMs - timing.breakWindowMs, group.canary.answeredMs ?? Number.NEGATIVE_INFINITY);
  const fresh = group.breaks.filter((one) => one.atMs > since);
  const first = fresh[0];
  if (first === undefined) return null;
  const count = `${fresh.length} connection${fresh.length === 1 ? "" : "s"} broke (${[...new Set(fresh.map(({ how }) => how))].join(", ")})`;
  if (fresh.length >= 2) return suspect(group, count, first.atMs, true, true);
  // One broken connection may be chance; the agent's word beside it is a second witness.
  if (group.engine === "unreachable" || group.engine === "starting")
    return suspect(group, `${count} and its agent calls the engine ${group.engine}`, first.atMs, true, true);
  return null;
}

/** The last canary failed and nothing came since: nobody listens, or the engine says no. */
function byRefusal(group: GroupView): Suspicion | null {
  const { failedMs } = group.canary;
  if (failedMs === null || !isRefusing(group)) return null;
  const loading = group.engine === "starting" ? "is still loading" : "refuses requests";
  return suspect(group, `its engine ${loading}`, failedMs, true, true);
}

/** One that is stopped holds all others, and every socket stays open. It may go on at any moment, so that it is no fault. */
function byStoppedRank(group: GroupView, { atMs }: GatewayView, timing: ChooseTiming): Suspicion | null {
  const server = group.servers.find((one) => one.stopped && isHeard(one, atMs, timing));
  const waiting = tokenlessSinceMs(group);
  if (!server?.stopped || waiting === null) return null;
  const { rank, pid, sinceMs } = server.stopped;
  const since = Math.max(sinceMs, waiting);
  if (atMs - since < timing.stoppedAfterMs) return null;
  const reason = `${server.id}: rank ${rank} (pid ${pid}) is stopped, and no token came for ${seconds(atMs - waiting)}`;
  return suspect(group, reason, since, lasts(group, since, atMs, timing.stoppedAfterMs + timing.confirmMoveMs));
}

function byStall(
  group: GroupView,
  { atMs }: GatewayView,
  { stallAfterMs, confirmMoveMs }: ChooseTiming,
): Suspicion | null {
  const since = tokenlessSinceMs(group);
  if (since === null || atMs - since < stallAfterMs) return null;
  const reason = `no token for ${seconds(atMs - since)} while requests wait`;
  return suspect(group, reason, since, lasts(group, since, atMs, stallAfterMs + confirmMoveMs));
}

/** Since when somebody waits and no token came; null while nobody waits. */
function tokenlessSinceMs({ waitingSinceMs, canary, lastTokenMs }: GroupView): number | null {
  const waiting = [waitingSinceMs, canary.askedMs].filter((since) => since !== null);
  if (waiting.length === 0) return null;
  return Math.max(Math.min(...waiting), lastTokenMs ?? Number.NEGATIVE_INFINITY);
}

/** Whether a standstill is so long that it proves itself. A canary that was answered ends it as a token does. */
function lasts({ canary }: GroupView, sinceMs: number, atMs: number, provenAfterMs: number): boolean {
  return atMs - Math.max(sinceMs, canary.answeredMs ?? Number.NEGATIVE_INFINITY) >= provenAfterMs;
}

function bySilence(group: GroupView, view: GatewayView, timing: ChooseTiming): Suspicion | null {
  const { atMs } = view;
  if (group.servers.every((server) => server.stream === "open" && !isSilent(server, atMs, timing))) return null;
  const quiet = group.servers.filter((server) => isSilent(server, atMs, timing));
  const closed = group.servers.filter(({ stream }) => stream !== "open");
  const blind = (server: ServerView, why: string): Suspicion => {
    const sinceMs = server.stream === "never" ? atMs : server.lastHeardMs;
    const reason = `${server.id} is not heard: ${why}`;
    return { group: group.id, state: "blind", reason, sinceMs, proof: false, software: false };
  };
  const server = quiet.toSorted((a, b) => a.lastHeardMs - b.lastHeardMs)[0];
  if (server === undefined) {
    const away = closed[0];
    return away === undefined ? null : blind(away, "its agent's stream is closed");
  }
  const others = view.groups.flatMap((one) => one.servers).filter((one) => one !== server);
  // Half of those that were heard lately: on a starved network or computer several are late at once.
  const voters = others.filter(
    ({ stream, lastHeardMs }) => stream === "open" && atMs - lastHeardMs < timing.goneAfterMs,
  );
  const heard = voters.filter((other) => isHeard(other, atMs, timing));
  if (heard.length === 0) return blind(server, "nor is any other server; the observer was held up or is cut off");
  if (heard.length * 2 < voters.length) return blind(server, "nor are most of the others");
  const lastSign = Math.max(
    group.lastTokenMs ?? Number.NEGATIVE_INFINITY,
    group.canary.answeredMs ?? Number.NEGATIVE_INFINITY,
  );
  if (atMs - lastSign < timing.silentAfterMs) return blind(server, "its group still writes tokens");
  const silence = `${server.id} is silent for ${milliseconds(atMs - server.lastHeardMs)}, its neighbours are heard`;
  const proof = atMs - Math.max(server.lastHeardMs, lastSign) >= timing.confirmMoveMs;
  const waiting = group.waitingSinceMs;
  if (waiting !== null && atMs - Math.max(waiting, lastSign) >= timing.silentAfterMs)
    return suspect(
      group,
      `${silence}, and no token came from group ${group.id} in that time`,
      server.lastHeardMs,
      proof,
    );
  const asked = group.canary.askedMs;
  // While nobody waits nothing is lost by looking longer: a busy computer answers a lone canary late. Answers in one piece have
  // no tokens to wait for: the canary's stands for theirs, and has as long as a token has.
  const isIdle = waiting !== null || group.passengers === 0;
  const longSilent = !isIdle || atMs - server.lastHeardMs >= timing.idleSilentAfterMs;
  if (longSilent && asked !== null && atMs - asked >= (isIdle ? timing.canaryGraceMs : timing.silentAfterMs))
    return suspect(group, `${silence}, and group ${group.id} does not answer a canary`, server.lastHeardMs, proof);
  return blind(server, "its group is asked whether it still writes tokens");
}

/** It stands until an answer or a token. */
export function isRefusing({ canary, lastTokenMs }: Pick<GroupView, "canary" | "lastTokenMs">): boolean {
  const { failedMs, answeredMs } = canary;
  const alive = Math.max(answeredMs ?? Number.NEGATIVE_INFINITY, lastTokenMs ?? Number.NEGATIVE_INFINITY);
  return failedMs !== null && failedMs > alive;
}

export function isSilent(server: ServerView, atMs: number, { silentAfterMs }: ChooseTiming): boolean {
  return server.stream === "open" && atMs - server.lastHeardMs >= silentAfterMs;
}

function isHeard(server: ServerView, atMs: number, { heardWithinMs }: ChooseTiming): boolean {
  return server.stream === "open" && atMs - server.lastHeardMs <= heardWithinMs;
}

const milliseconds = (ms: number) => `${Math.round(ms)} ms`;
const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
