import type { TakeoverStatus } from "../../manifests/model-service/resource.ts";
import type { Verdict } from "./facts.ts";

/**
 * The rungs, lowest first: what is cheap to know before what must be tried out. A verdict holds for `validForMs`; then it
 * must be proved anew, or the rung counts as not proved.
 */
export const RUNGS = [
  { name: "servers", validForMs: 10_000, means: "its servers are heard, and nothing is against them" },
  { name: "gpus", validForMs: 10_000, means: "all GPUs are there, none waits for a reset or a repair" },
  { name: "links", validForMs: 10_000, means: "every InfiniBand or RoCE port is up" },
  { name: "pods", validForMs: 10_000, means: "its pods are ready and every rank runs" },
  { name: "image", validForMs: 10_000, means: "it runs the image of the active group, by digest" },
  { name: "flags", validForMs: 60_000, means: "its engine runs with the arguments of the active group" },
  { name: "weights", validForMs: 10_000, means: "its weights are whole and those of the active group" },
  { name: "kernels", validForMs: 10_000, means: "the kernels that were compiled before are still there" },
  { name: "room", validForMs: 10_000, means: "disks, memory and GPU memory have room" },
  { name: "clocks", validForMs: 10_000, means: "the wall clocks of its servers are right" },
  { name: "keys", validForMs: 60_000, means: "its engine takes the key that the gateways use" },
  { name: "answers", validForMs: 90_000, means: "golden prompts are answered as by the active group" },
  { name: "shapes", validForMs: 1_800_000, means: "a long prompt and a full batch are answered" },
  { name: "speed", validForMs: 90_000, means: "it is as fast as this revision can be" },
] as const;

/** What a rung says before it was looked at the first time. */
export const NOT_PROVED = "not proved yet";

export type RungName = (typeof RUNGS)[number]["name"];

/** What is known of one rung. Times are wall clock, as people read them. */
export interface Proof {
  verdict: Verdict;
  checkedAtMs: number;
  /** When it last held. */
  provenAtMs: number | null;
}

export type Ladder = Readonly<Partial<Record<RungName, Proof>>>;

/** The ladder after a rung was looked at. */
export function noted(ladder: Ladder, name: RungName, verdict: Verdict, atMs: number): Ladder {
  const before = ladder[name];
  const provenAtMs = verdict.ok && verdict.assumed !== true ? atMs : (before?.provenAtMs ?? null);
  return { ...ladder, [name]: { verdict, checkedAtMs: atMs, provenAtMs } };
}

/**
 * The answer to "would a failover work right now": yes if every rung holds and was looked at in time. What was never looked
 * at, or too long ago, is a no: an unknown is exactly what this ladder exists against.
 */
export function takeoverOf(ladder: Ladder, standby: string, atMs: number): TakeoverStatus {
  const rungs = RUNGS.map(({ name, validForMs }) => {
    const proof = ladder[name];
    if (proof === undefined) return { name, ok: false, provenAt: null, detail: NOT_PROVED };
    const provenAt = proof.provenAtMs === null ? null : new Date(proof.provenAtMs).toISOString();
    const ageMs = atMs - proof.checkedAtMs;
    if (ageMs > validForMs) {
      const detail = `not proved for ${Math.round(ageMs / 1000)} s; last: ${proof.verdict.detail}`;
      return { name, ok: false, provenAt, detail };
    }
    return { name, ok: proof.verdict.ok, provenAt, detail: proof.verdict.detail };
  });
  const failing = rungs.filter(({ ok }) => !ok);
  const known = failing.filter(({ detail }) => detail !== NOT_PROVED);
  // What is wrong says more than what could not be tried because of it.
  const told = known.length > 0 ? known : failing.slice(0, 1);
  return {
    ready: failing.length === 0,
    reasons: told.map(({ name, detail }) => `${standby}, ${name}: ${detail}`),
    rungs,
  };
}

/** Why nobody could take over before any rung is looked at. */
export function noTakeover(reason: string): TakeoverStatus {
  return {
    ready: false,
    reasons: [reason],
    rungs: RUNGS.map(({ name }) => ({ name, ok: false, provenAt: null, detail: NOT_PROVED })),
  };
}

/** From the moment traffic moves until the group that stands by now is looked at: what is known is of the other one. */
export function justMoved(active: string): TakeoverStatus {
  return noTakeover(`traffic has just moved to group ${active}: what stands by now is proved anew`);
}

/** Two statuses that say the same, whatever the times at which it was proved. */
export function sameTakeover(a: TakeoverStatus, b: TakeoverStatus): boolean {
  const key = ({ ready, reasons, rungs }: TakeoverStatus) =>
    JSON.stringify([ready, reasons, rungs.map(({ name, ok }) => `${name} ${ok}`)]);
  return key(a) === key(b);
}
