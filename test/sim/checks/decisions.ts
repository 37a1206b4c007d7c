import type { Decision } from "../../../src/failover/decision.ts";
import type { Observed } from "../../../src/failover/observed.ts";
import { POLICY } from "../actors/policy.ts";
import type { SimReconciler } from "../actors/reconciler.ts";
import type { World } from "../world/world.ts";

/** What every decision must be, whatever was seen: with a reason, with an end, and none on what is too old. */
export function checkDecision(world: World, who: SimReconciler, seen: Observed, decision: Decision): void {
  const breach = (rule: string, why: string) =>
    world.breach(rule, `${who.name}: ${decision.kind} ${decision.reason}: ${why}`);
  if (decision.detail.length < 2) breach("no-reason", "no detail");
  if (decision.kind === "wait" && !(decision.untilMs > seen.atMs && Number.isFinite(decision.untilMs)))
    breach("no-deadline", `waits until ${decision.untilMs}, at ${seen.atMs}`);
  if (decision.kind === "escalate" && decision.fix.length < 5) breach("no-fix", "says nothing to do");
  if (decision.kind !== "act") return;
  if (!seen.holdsLease) breach("no-lease", "another replica may act");
  if (seen.atMs - seen.snapshotAtMs > POLICY.staleAfterMs) breach("stale-read", "the cluster was not read lately");
  if (seen.paused !== null) breach("paused", "a person paused it");
  if (seen.servers.every(({ verdict }) => verdict.state === "blind")) breach("acts-on-silence", "nobody is heard");
}
