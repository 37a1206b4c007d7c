import { decide } from "../../failover/decide.ts";
import type { Action, Decision } from "../../failover/decision.ts";
import type { FailoverPolicy, Observed } from "../../failover/observed.ts";
import { type Difference, isSame, type Replay } from "./replay.ts";

/** One decision of the reconciler with all that it was made on (`reconciler.jsonl` of a record). */
export interface RecordedPass {
  wallMs: number;
  observed: Observed;
  policy: FailoverPolicy;
  held: readonly Action[];
  decision: Decision;
}

/** Makes every recorded decision of the reconciler again, by today's code and with other thresholds where `policy` has them. */
export function replayPasses(passes: readonly RecordedPass[], policy: Partial<FailoverPolicy> = {}): Replay {
  const differences = passes.flatMap((pass): Difference[] => {
    const used = { ...pass.policy, ...policy };
    // As it would have been written: a record knows no undefined.
    const now = JSON.parse(JSON.stringify(decide(pass.observed, used, pass.held))) as Decision;
    return isSame(now, pass.decision) ? [] : [{ wallMs: pass.wallMs, was: inWords(pass.decision), is: inWords(now) }];
  });
  return { choices: passes.length, differences };
}

function inWords(decision: Decision): string {
  const more = decision.kind === "act" ? ` ${decision.action.kind}` : "";
  const until = decision.kind === "wait" ? ` until ${Math.round(decision.untilMs)} ms` : "";
  return `${decision.kind}${more} (${decision.reason})${until}: ${decision.detail}`;
}
