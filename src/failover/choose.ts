import { canariesOf } from "./choose/canaries.ts";
import { dwellOf } from "./choose/dwell.ts";
import { waitsForFirstLoad } from "./choose/first-load.ts";
import { isProven } from "./choose/proven.ts";
import { type Suspicion, suspicionOf } from "./choose/suspicion.ts";
import { type ChooseTiming, DEFAULT_TIMING } from "./choose/timing.ts";
import type { GatewayView } from "./choose/view.ts";

/** Where requests go. Every choice has a reason, also the one to change nothing. */
export type Choice = ChoiceKind & { reason: string; suspicions: Suspicion[]; canaries: string[] };
type ChoiceKind =
  /** `running`: what happens to streams of another group: they stay there, or are carried over. */
  | {
      kind: "use";
      group: string;
      running: "stay" | "carry";
      software: boolean;
      adoptEpoch: number | null;
      pardon: boolean;
    }
  | { kind: "hold"; untilMs: number }
  | { kind: "shed"; retryAfterSeconds: number };

/**
 * Chooses the group for new requests and for streams that must leave theirs. Suspicion moves traffic, at once and without
 * asking anybody; nothing moves it back but the reconciler's fresh epoch or a reason against the other group.
 */
export function choose(view: GatewayView, timing: ChooseTiming = DEFAULT_TIMING): Choice {
  const suspicions = view.groups.map((group) => suspicionOf(group, view, timing));
  const canaries = canariesOf(view, timing);
  return { ...decide(view, suspicions, timing), suspicions, canaries };
}

type Decision = ChoiceKind & { reason: string };
const use = (group: string, reason: string, more: Partial<Extract<ChoiceKind, { kind: "use" }>> = {}): Decision => {
  const defaults = { running: "stay", software: false, adoptEpoch: null, pardon: false } as const;
  return { kind: "use", group, reason, ...defaults, ...more };
};

function decide(view: GatewayView, suspicions: readonly Suspicion[], timing: ChooseTiming): Decision {
  const against = (id: string) => suspicions.find((one) => one.group === id && one.state === "suspect");
  if (view.heldSinceMs !== null) return whileHeld(view, suspicions, timing);
  const { current } = view;
  const mine = against(current);
  const trouble = mine === undefined ? undefined : unpardoned(view, mine, timing);
  if (trouble === undefined) return byWord(view, suspicions) ?? use(current, standing(current, suspicions));
  const targets = view.groups.filter(
    (group) => group.id !== current && against(group.id) === undefined && isProven(group, view, timing),
  );
  const rests = targets.map((group) => (trouble.proof ? null : dwellOf(group, view, timing)));
  const target = targets[rests.indexOf(null)];
  if (target !== undefined)
    return (
      waitsForFirstLoad(view, timing) ??
      use(target.id, `group ${current}: ${trouble.reason}`, { running: "carry", software: trouble.software })
    );
  const rest = rests[0];
  // The reconciler sees more than a gateway does: its word ends a rest.
  if (rest !== undefined && rest !== null)
    return byWord(view, suspicions) ?? use(current, `${trouble.reason}; but ${rest}`);
  const others = view.groups.filter(({ id }) => id !== current).map(({ id }) => describe(id, against(id)));
  const reason = [`group ${current}: ${trouble.reason}`, ...others].join("; ");
  return { kind: "hold", untilMs: view.atMs + timing.holdDeadlineMs, reason };
}

/** No group is above suspicion: the first that answers is taken, whatever was said against it. */
function whileHeld(view: GatewayView, suspicions: readonly Suspicion[], timing: ChooseTiming): Decision {
  const since = view.heldSinceMs ?? view.atMs;
  const answers = view.groups
    .filter(
      ({ canary }) =>
        canary.answeredMs !== null && canary.answeredMs > since && canary.answeredMs > (canary.failedMs ?? 0),
    )
    .toSorted((a, b) => (a.canary.answeredMs ?? 0) - (b.canary.answeredMs ?? 0));
  const own = view.startUntilMs === null ? undefined : answers.find(({ id }) => id === view.current);
  const answered = own ?? answers[0];
  if (answered !== undefined) {
    const wait = answered.id === view.current ? null : waitsForFirstLoad(view, timing);
    if (wait !== null) return wait;
    const left = suspicions.find(({ group }) => group === view.current);
    return use(answered.id, `group ${answered.id} was the first to answer a canary`, {
      running: "carry",
      software: left?.software ?? false,
      pardon: true,
    });
  }
  const reason = suspicions.map(({ group, reason: why }) => `group ${group}: ${why}`).join("; ");
  const untilMs = since + timing.holdDeadlineMs;
  if (view.atMs < untilMs) return { kind: "hold", untilMs, reason };
  return {
    kind: "shed",
    retryAfterSeconds: 5,
    reason: `no group answers for ${Math.round(timing.holdDeadlineMs / 1000)} s; ${reason}`,
  };
}

/**
 * A fresh epoch moves new requests; what runs finishes where it is, unless its group was given up: the next step stops that
 * one. A suspect group is not taken on anybody's word.
 */
function byWord(view: GatewayView, suspicions: readonly Suspicion[]): Decision | null {
  const { word, adoptedEpoch } = view;
  if (word === null || word.epoch <= adoptedEpoch) return null;
  const target = suspicions.find(({ group }) => group === word.active);
  if (target === undefined)
    return use(view.current, `epoch ${word.epoch} names group ${word.active}, which this gateway does not know`);
  if (target.state === "suspect" && target.group !== view.current)
    return use(view.current, `epoch ${word.epoch} names group ${word.active}, which is suspect: ${target.reason}`);
  const named = `epoch ${word.epoch} names group ${word.active}`;
  const current = view.groups.find(({ id }) => id === view.current);
  const isGivenUp = word.why === "failover" && word.active !== view.current;
  if (!isGivenUp || current === undefined || current.passengers === 0)
    return use(word.active, named, { adoptEpoch: word.epoch });
  const software = suspicions.some(
    ({ group, state, software }) => group === current.id && state === "suspect" && software,
  );
  const reason = word.reason ? `${named}: ${word.reason}` : named;
  return use(word.active, reason, { running: "carry", software, adoptEpoch: word.epoch });
}

/** What speaks against the current group besides what it was pardoned for: the rank that ends after the line that told of it. */
function unpardoned(view: GatewayView, mine: Suspicion, timing: ChooseTiming): Suspicion | undefined {
  if (!pardoned(view, mine)) return mine;
  const group = view.groups.find(({ id }) => id === view.current);
  if (group === undefined) return undefined;
  const faults = group.faults.filter(({ atMs }) => atMs > (view.pardonedMs ?? 0));
  const newer = suspicionOf({ ...group, faults }, view, timing);
  return newer.state === "suspect" && !pardoned(view, newer) ? newer : undefined;
}

function pardoned({ pardonedMs }: GatewayView, { sinceMs }: Suspicion): boolean {
  return pardonedMs !== null && sinceMs <= pardonedMs;
}

function standing(current: string, suspicions: readonly Suspicion[]): string {
  const mine = suspicions.find(({ group }) => group === current);
  return mine === undefined || mine.state === "clear"
    ? `group ${current} serves`
    : `group ${current} serves; ${mine.reason}`;
}

function describe(id: string, suspicion: Suspicion | undefined): string {
  return `group ${id}: ${suspicion?.reason ?? "has not answered lately"}`;
}
