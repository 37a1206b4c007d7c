import type { Finding } from "../../health/finding.ts";

/** As node-problem-detector words its own: True is a problem. */
export const CONDITION_TYPE = "TandemServerFault";

export interface NodeCondition {
  type: string;
  status: "True" | "False" | "Unknown";
  reason: string;
  message: string;
}

/** An agent that is being replaced is away for seconds. */
const NOT_HEARD_AFTER_MS = 30_000;

/** What is written while the agent itself says nothing; null while it does. */
export function silentCondition(lastHeardMs: number | null, nowMs: number): NodeCondition | null {
  if (lastHeardMs !== null && nowMs - lastHeardMs < NOT_HEARD_AFTER_MS) return null;
  const message = "the agent of this server is not heard, so nothing is known about it";
  return { type: CONDITION_TYPE, status: "Unknown", reason: "AgentNotHeard", message };
}

/** The condition of a node that follows from what is wrong with its server. Findings come worst first. */
export function conditionOf(findings: readonly Finding[]): NodeCondition {
  const serious = findings.filter(({ confirmed, moves, group }) => confirmed && moves !== "never" && group === null);
  const [worst] = serious;
  if (worst === undefined)
    return {
      type: CONDITION_TYPE,
      status: "False",
      reason: "NoFault",
      message: "the agent sees no fault of this server",
    };
  const more = serious.length > 1 ? `; and ${serious.length - 1} more` : "";
  return {
    type: CONDITION_TYPE,
    status: "True",
    reason: camelCase(worst.code),
    message: `${worst.subject}: ${worst.reason}${more}`.slice(0, 1_000),
  };
}

/** `xid-79` → `Xid79`: the API server takes words without a hyphen. */
export function camelCase(code: string): string {
  return code.replaceAll(/(?:^|-)([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
