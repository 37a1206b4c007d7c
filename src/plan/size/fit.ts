import { type Estimate, estimate } from "../performance/estimate.ts";
import { HALF_WIDTH } from "../performance/range.ts";
import type { SizeAsk } from "./ask.ts";
import type { EngineOption } from "./engines.ts";

/** `sure`: even the bad end of the range meets the ask; `likely`: the figure itself does. */
export type Verdict = "sure" | "likely" | "no";

/** What stops a group from serving more users. */
export type Limit = "first token" | "tokens a second" | "KV cache" | "running requests";

export interface Fit {
  option: EngineOption;
  estimate: Estimate;
  verdict: Verdict;
  /** Users of one group up to which the verdict stays as good as it is. */
  mostUsers: number;
  /** What gives first beyond them. */
  givesFirst: Limit;
}

const MOST_USERS = 8192;

/** How one group serves `users` users, and how many more it would. */
export function fitOf(ask: SizeAsk, option: EngineOption, users: number): Fit {
  const found = estimateFor(ask, option, users);
  const verdict = verdictOf(ask, option, users);
  const goal = verdict === "no" ? "likely" : verdict;
  let [good, bad] = [0, MOST_USERS + 1];
  // Every limit only tightens with users, so the last good number can be halved towards.
  while (bad - good > 1) {
    const middle = Math.floor((good + bad) / 2);
    if (isAtLeast(verdictOf(ask, option, middle), goal)) good = middle;
    else bad = middle;
  }
  return {
    option,
    estimate: found,
    verdict,
    mostUsers: good,
    givesFirst: limitsAt(ask, option, good + 1, goal === "sure" ? 1 + HALF_WIDTH : 1)[0] ?? "running requests",
  };
}

function verdictOf(ask: SizeAsk, option: EngineOption, users: number): Verdict {
  if (limitsAt(ask, option, users, 1).length > 0) return "no";
  return limitsAt(ask, option, users, 1 + HALF_WIDTH).length > 0 ? "likely" : "sure";
}

/** The limits that `users` users break if every time takes `slower` times the model's figure. */
function limitsAt(ask: SizeAsk, option: EngineOption, users: number, slower: number): Limit[] {
  const { judged, shape } = option;
  const limits: Limit[] = [];
  if (users * (ask.inputTokens + ask.outputTokens) > shape.kvTokens) limits.push("KV cache");
  if (users > judged.workload.maxRunningRequests) limits.push("running requests");
  const found = estimateFor(ask, option, users);
  if (ask.ttftSeconds !== undefined && found.ttftSeconds * slower > ask.ttftSeconds) limits.push("first token");
  if (ask.tokensPerSecond !== undefined && found.tpotSeconds * slower > 1 / ask.tokensPerSecond)
    limits.push("tokens a second");
  return limits;
}

function estimateFor(ask: SizeAsk, { shape }: EngineOption, users: number): Estimate {
  return estimate(shape, { ...ask, concurrency: Math.max(1, users) });
}

function isAtLeast(verdict: Verdict, goal: Verdict): boolean {
  return verdict === "sure" || (verdict === "likely" && goal === "likely");
}
