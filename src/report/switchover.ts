import type { ModelService } from "../manifests/model-service/resource.ts";
import { table } from "./table.ts";

/** One group that could take traffic, or why not. */
export interface Candidate {
  group: string;
  /** Null where nothing is against it. */
  against: string | null;
}

/** What a planned move would do, before anything is asked for. */
export interface SwitchoverPlan {
  from: string;
  /** Null where no group can take over, or several could and none was named. */
  to: string | null;
  candidates: Candidate[];
  /** Why it would be refused now; null where it would be done. */
  refused: { why: string; fix: string } | null;
  steps: { step: string; what: string; expected: string }[];
}

/**
 * Works out a planned move from what the reconciler says, which is what it decides by itself. `wanted` is the group that was
 * named; without one it is the only other group.
 */
export function planSwitchover({ spec, status }: ModelService, wanted: string | undefined): SwitchoverPlan {
  const from = status?.active ?? spec.initialActive;
  const others = spec.groups.map(({ id }) => id).filter((id) => id !== from);
  const candidates = others.map((group) => ({ group, against: againstIt(group, status) }));
  const to = wanted ?? (others.length === 1 ? (others[0] ?? null) : null);
  const epoch = status?.epoch ?? 0;
  return {
    from,
    to,
    candidates,
    refused: refusal({ spec, status }, wanted, to, candidates),
    steps: [
      {
        step: "check",
        what: `${to ?? "?"} can take over: every rung is proved`,
        expected: "at once",
      },
      { step: "move", what: `new requests go to ${to ?? "?"}, epoch ${epoch + 1}`, expected: "2 s" },
      {
        step: "finish",
        what: `${from} finishes the answers it has begun`,
        expected: "no limit",
      },
      { step: "stand by", what: `${from} stands by and is proved anew`, expected: "30 s" },
    ],
  };
}

function againstIt(id: string, status: ModelService["status"]): string | null {
  if (status === undefined) return "no reconciler has reported yet";
  const group = status.groups.find((one) => one.id === id);
  if (group === undefined) return "the reconciler does not know it";
  if (group.run !== "serving") return `it is ${group.run} since ${group.since}`;
  if (group.verdict === "suspect") return group.reason;
  if (id === status.standby && !status.takeover.ready) return status.takeover.reasons.join("; ");
  return null;
}

function refusal(
  { spec, status }: { spec: ModelService["spec"]; status: ModelService["status"] | undefined },
  wanted: string | undefined,
  to: string | null,
  candidates: readonly Candidate[],
): SwitchoverPlan["refused"] {
  const names = spec.groups.map(({ id }) => id);
  if (wanted !== undefined && !names.includes(wanted))
    return { why: `there is no group ${wanted}`, fix: `name one of ${names.join(", ")}` };
  if (status === undefined)
    return {
      why: "no reconciler has reported yet, so nobody would do it",
      fix: "look at its pods: kubectl get pods -A -l app.kubernetes.io/name=reconciler",
    };
  if (spec.pause !== undefined)
    return { why: `the automation is paused by ${spec.pause.by}: ${spec.pause.reason}`, fix: "run: tandem resume" };
  if (to === null)
    return candidates.length === 0
      ? { why: "there is no second group", fix: "add one to the spec and run `tandem up`" }
      : {
          why: "several groups could take over",
          fix: `name one with --to: ${candidates.map(({ group }) => group).join(", ")}`,
        };
  const against = candidates.find(({ group }) => group === to)?.against ?? null;
  return against === null
    ? null
    : { why: `group ${to} cannot take over: ${against}`, fix: "see each rung with: tandem explain group" };
}

/** The plan as a person reads it before saying yes. */
export function switchoverText({ from, to, candidates, refused, steps }: SwitchoverPlan): string {
  const rows = steps.map(({ step, what, expected }, at) => [`${at + 1}`, step, expected, what]);
  const against = candidates.map(({ group, against: why }) => [group, why === null ? "yes" : "no", why ?? ""]);
  return [
    `${from} serves${to === null ? "" : `; traffic would go to ${to}`}`,
    "",
    ...(candidates.length === 0 ? [] : [...table([["GROUP", "CAN TAKE OVER", "WHY NOT"], ...against], ""), ""]),
    ...(refused === null
      ? table([["", "STEP", "EXPECTED", "WHAT"], ...rows], "")
      : [`it would be refused: ${refused.why}`, `  fix: ${refused.fix}`]),
    "",
  ].join("\n");
}
