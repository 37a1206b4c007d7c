import type { Crash } from "./follows.ts";
import type { GroupVerdict } from "./group-verdict.ts";
import { DEFAULT_HEALTH_RULES, type HealthRules } from "./rules.ts";
import type { ServerEvidence } from "./server-evidence.ts";
import { wasUnheardAt } from "./silence.ts";

/**
 * What a group that is suspect is remembered as.
 *
 * @param nowMs when it happened, where the verdict does not know
 * @param members the evidence of the group's servers
 */
export function crashOf(
  { group, blame, sinceMs, remedy, reason }: GroupVerdict,
  revision: string | undefined,
  nowMs: number,
  members: readonly ServerEvidence[],
  rules: HealthRules = DEFAULT_HEALTH_RULES,
): Crash {
  const atMs = sinceMs ?? nowMs;
  return {
    group,
    server: blame?.server ?? null,
    atMs,
    fingerprint: blame?.finding.code ?? /\[([a-z0-9-]+)\]/.exec(reason)?.[1] ?? "unknown",
    remedy: remedy ?? "restart-group",
    revision,
    ...(members.some((member) => wasUnheardAt(member, atMs, rules)) ? { inSilence: true } : {}),
  };
}
