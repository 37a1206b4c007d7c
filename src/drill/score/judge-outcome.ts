import type { StreamTally } from "../../report/rehearsal.ts";
import type { DrillFacts } from "./score-drill.ts";

/** A gateway calls a group hung that gives no token for so long: whoever reads notices. */
const UNNOTICED_SECONDS = 5;

/** Promises of a scenario that were broken, each beginning with what it is about. */
export function judgeOutcome(facts: DrillFacts, streams: StreamTally, carriedOn: number): string[] {
  const { scenario, moves, from } = facts;
  const failures: string[] = [];
  if (!facts.shown) failures.push("fault: it had no effect while it was waited for, so nothing was tested");
  const bad = streams.streams - streams.perfect;
  if (bad > 0)
    failures.push(
      `streams: ${bad} of ${streams.streams} did not end as they should (${streams.failures[0]?.problems[0]})`,
    );
  const moved = moves.map(({ to, reason }) => `to ${to} (${reason})`).join(", then ");
  switch (scenario.outcome) {
    case "carried":
      if (moves.length > 1) failures.push(`traffic: moved ${moves.length} times: ${moved}`);
      if (carriedOn === 0) failures.push("streams: none was carried on, so nothing was tested");
      break;
    case "twice":
      if (moves.length !== 2) failures.push(`traffic: moved ${moves.length} times, not twice${moved && `: ${moved}`}`);
      break;
    case "held":
      if (moves.length !== 1) failures.push(`traffic: moved ${moves.length} times, not once${moved && `: ${moved}`}`);
      if (!facts.decisions.some(({ choice, wallMs }) => choice.kind === "hold" && wallMs >= facts.faultWallMs))
        failures.push("fault: a group could serve all the time, so the second fault was none");
      break;
    case "stays":
      if (moves.length > 0) failures.push(`traffic: moved ${moved}, though group ${from} could serve`);
      break;
    case "planned":
      if (moves.length > 0) failures.push(`traffic: an unplanned move ${moved}`);
      if (carriedOn > 0) failures.push(`streams: ${carriedOn} were torn from their group by a planned move`);
      break;
    case "replica":
      if (moves.length > 0) failures.push(`traffic: moved ${moved}, though no group had failed`);
      if (facts.doomed.size === 0) failures.push("streams: none was in the hands of the replica that was killed");
      break;
  }
  failures.push(...pauseFailures(facts, streams));
  const reason = moves[0]?.reason;
  if (scenario.reason !== undefined && reason !== undefined && !scenario.reason.test(reason))
    failures.push(`reason: "${reason}" does not name what happened`);
  return failures;
}

/** A stream that was carried on and stops once more has not been carried on. */
function pauseFailures({ scenario }: DrillFacts, { longestPauseSeconds }: StreamTally): string[] {
  const most = {
    carried: scenario.budgets["next token"] ?? UNNOTICED_SECONDS,
    stays: UNNOTICED_SECONDS,
    planned: UNNOTICED_SECONDS,
    // Their phase is the longest pause already, or streams break.
    twice: Number.POSITIVE_INFINITY,
    held: Number.POSITIVE_INFINITY,
    replica: Number.POSITIVE_INFINITY,
  }[scenario.outcome];
  if (longestPauseSeconds <= most) return [];
  return [`longest pause: ${longestPauseSeconds.toFixed(2)} s, more than ${most.toFixed(2)} s`];
}
