import type { Remedy } from "../health/remedy.ts";

/** One idempotent step. Writes carry the epoch that they were decided on and lose if it moved. */
export type Action =
  | { kind: "set-active"; group: string; epoch: number; why: "adopt" | "settle" | "failover" | "switchover" }
  | { kind: "quarantine"; server: string; remedy: Remedy }
  | { kind: "stop-group"; group: string; why: "fault" | "change" }
  | { kind: "delete-pods"; group: string }
  | { kind: "power-off"; server: string }
  | { kind: "mark-out-of-service"; server: string }
  | { kind: "treat"; server: string; remedy: Remedy }
  | { kind: "validate"; server: string }
  | { kind: "return-server"; server: string }
  | { kind: "remove-member"; group: string; server: string }
  | { kind: "add-member"; group: string; server: string }
  | { kind: "start-group"; group: string; revision: string };

/** What to do now and why, in words that `tandem explain` prints. Doing nothing is a decision too. */
export type Decision =
  | { kind: "hold"; reason: HoldReason; detail: string }
  | { kind: "wait"; reason: WaitReason; detail: string; untilMs: number }
  | { kind: "escalate"; reason: EscalateReason; detail: string; fix: string }
  | { kind: "act"; reason: ActReason; detail: string; action: Action };

export type HoldReason = "not-leader" | "paused" | "stale-snapshot" | "nobody-heard" | "all-well";
export type WaitReason =
  | "unconfirmed"
  | "gateways-disagree"
  | "emptying"
  | "fencing"
  | "treating"
  | "starting"
  | "proving"
  | "cooling-down";
export type EscalateReason =
  | "manual-mode"
  | "follows-workload"
  | "too-many-failovers"
  | "too-many-restarts"
  | "no-intact-group"
  | "not-fenced"
  | "needs-hands"
  | "no-server"
  | "does-not-start"
  | "change-failed"
  | "cannot-take-over";
export type ActReason =
  | "gateways-moved"
  | "gateways-disagree"
  | "group-failed"
  | "isolate"
  | "fence"
  | "rebuild"
  | "repair"
  | "change"
  | "slow"
  | "asked";

type Of<K extends Decision["kind"]> = Extract<Decision, { kind: K }>;
export const hold = (reason: HoldReason, detail: string): Of<"hold"> => ({ kind: "hold", reason, detail });
export const wait = (reason: WaitReason, untilMs: number, detail: string): Of<"wait"> => ({
  kind: "wait",
  reason,
  untilMs,
  detail,
});
export const escalate = (reason: EscalateReason, detail: string, fix: string): Of<"escalate"> => ({
  kind: "escalate",
  reason,
  detail,
  fix,
});
/** A revision that no group serves with does not get further by itself; what serves goes on serving. */
export const changeFailed = (detail: string): Of<"escalate"> =>
  escalate("change-failed", detail, "set the spec back to what served before, then: tandem up");
export const act = (reason: ActReason, action: Action, detail: string): Of<"act"> => ({
  kind: "act",
  reason,
  action,
  detail,
});
