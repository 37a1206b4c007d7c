import { describe, expect, test } from "vitest";
import { settleMoves, type Wellness, wellnessOf } from "../../src/failover/choose/dwell.ts";
import { DEFAULT_TIMING } from "../../src/failover/choose/timing.ts";
import type { GatewayView, GroupView, Move } from "../../src/failover/choose/view.ts";
import { choose } from "../../src/failover/choose.ts";
import { AT, fault, group, idle, server, view } from "./views.ts";

type Health = "well" | "silent" | "hung" | "stopped" | "crashed" | "loading";
const STEP_MS = 20;
/** Of stories of an hour: a gateway that looks seldom sees the same. */
const HOUR_STEP_MS = 100;

/** What is wrong with each group at a time since the start. */
type Story = (afterMs: number) => Record<"a" | "b", Health>;
interface Told extends Move {
  afterMs: number;
  proof: boolean;
}

/** A group as a gateway sees it that has been ill since `sinceMs`. */
function seen(id: "a" | "b", health: Health, sinceMs: number, atMs: number, isCurrent: boolean): Partial<GroupView> {
  const at = { lastHeardMs: atMs - 100 };
  const [first, second] = id === "a" ? ["gpu-a", "gpu-b"] : ["gpu-c", "gpu-d"];
  const ok = health === "well";
  const lost = { lastHeardMs: Math.min(atMs - 100, health === "silent" ? sinceMs - 100 : atMs - 100) };
  const stopped = health === "stopped" ? { rank: 9, pid: 71, sinceMs } : null;
  const failed = health === "loading" ? atMs - 10 : null;
  return {
    servers: [server(first as string, at), server(second as string, { ...lost, stopped })],
    lastTokenMs: isCurrent ? (ok ? atMs - 20 : sinceMs) : null,
    waitingSinceMs: isCurrent ? atMs - 60_000 : null,
    faults: health === "crashed" ? [fault("rank 3 exited", { atMs: sinceMs, server: first, software: true })] : [],
    canary: {
      askedMs: ok || health === "loading" ? null : sinceMs,
      answeredMs: ok ? atMs - 50 : sinceMs - 50,
      failedMs: failed,
    },
    engine: health === "loading" ? "starting" : "serving",
  };
}

/** Lives through a story and returns the moves, with the state that the gateway keeps between two choices. */
function live(story: Story, forMs: number, stepMs = STEP_MS): Told[] {
  let one: GatewayView = view({ word: null });
  const told: Told[] = [];
  let moves: Move[] = [];
  const since = { a: AT, b: AT };
  const sound = { wellSinceMs: AT - 60_000, illMs: null };
  const wellness: Record<string, Wellness> = { a: sound, b: sound };
  let before = story(0);
  for (let afterMs = 0; afterMs < forMs; afterMs += stepMs) {
    const atMs = AT + afterMs;
    const now = story(afterMs);
    const groups = (["a", "b"] as const).map((id) => {
      if (now[id] !== before[id]) since[id] = atMs;
      const more = {
        ...seen(id, now[id], since[id], atMs, one.current === id),
        wellSinceMs: wellness[id]?.wellSinceMs ?? null,
      };
      return one.current === id ? group(id, more) : idle(id, more);
    });
    before = now;
    one = { ...one, atMs, groups };
    moves = settleMoves(moves, one, DEFAULT_TIMING);
    one = { ...one, moves };
    const choice = choose(one);
    for (const each of groups)
      wellness[each.id] = wellnessOf(each, choice.suspicions, wellness[each.id], one, DEFAULT_TIMING);
    one = { ...one, heldSinceMs: choice.kind === "use" ? null : (one.heldSinceMs ?? atMs) };
    if (choice.kind === "use" && choice.group !== one.current) {
      const proof = choice.suspicions.some(({ group: id, proof: fact }) => id === one.current && fact);
      told.push({ atMs, afterMs, from: one.current, to: choice.group, proof });
      moves = [...moves, { atMs, from: one.current, to: choice.group, proof }];
      one = { ...one, current: choice.group };
    }
  }
  return told;
}

const between = (at: number, from: number, to: number) => at >= from && at < to;

describe("faults that come and go do not throw traffic to and fro", () => {
  test("20 s silent, 20 s well, for an hour: one move, and none back", () => {
    const moves = live((at) => ({ a: at % 40_000 < 20_000 ? "silent" : "well", b: "well" }), 3_600_000, HOUR_STEP_MS);
    expect(moves.map(({ to }) => to)).toEqual(["b"]);
  });

  test("both groups wobble in turn, too shortly to be broken: one move as long as moves are remembered", () => {
    const moves = live(
      (at) => (at % 4000 < 2000 ? { a: "silent", b: "well" } : { a: "well", b: "silent" }),
      3_600_000,
      HOUR_STEP_MS,
    );
    expect(moves).toHaveLength(3_600_000 / DEFAULT_TIMING.dwellWindowMs);
  });

  test("wobbles of 2 s every 8 s, first here, then there: ever fewer moves", () => {
    const story: Story = (at) => {
      const within = at % 16_000;
      return { a: within < 2000 ? "silent" : "well", b: between(within, 8000, 10_000) ? "silent" : "well" };
    };
    const moves = live(story, 3_600_000, HOUR_STEP_MS);
    expect(moves.slice(0, 2).map(({ to }) => to)).toEqual(["b", "a"]);
    expect(moves.length).toBeLessThan(30);
  });

  const { confirmMoveMs, stallAfterMs, stoppedAfterMs } = DEFAULT_TIMING;
  test.each<[Health, number]>([
    ["silent", confirmMoveMs],
    ["hung", stallAfterMs + confirmMoveMs],
    ["stopped", stoppedAfterMs + confirmMoveMs],
  ])("after many wobbles a group that is %s for good is left when that is proven", (health, provenMs) => {
    const WOBBLES_MS = 96_000;
    const story: Story = (at) => {
      const [within, outage] = [at % 16_000, (at - WOBBLES_MS) % 40_000];
      if (at >= WOBBLES_MS) return outage < 20_000 ? { a: health, b: "well" } : { a: "well", b: health };
      return { a: within < 2000 ? "silent" : "well", b: between(within, 8000, 10_000) ? "silent" : "well" };
    };
    const moves = live(story, WOBBLES_MS + 120_000);
    const groupAt = (at: number) => moves.findLast(({ afterMs }) => afterMs <= at)?.to ?? "a";
    for (let outage = 0; outage < 6; outage++)
      expect(groupAt(WOBBLES_MS + outage * 20_000 + provenMs + 200)).not.toBe(outage % 2 === 0 ? "a" : "b");
  });

  test.each<[Health, number]>([
    ["hung", 6000],
    ["stopped", 2000],
  ])("both groups are %s in turn under their load, for %i ms each: ever fewer moves", (health, forMs) => {
    const story: Story = (at) => {
      const within = at % 20_000;
      return { a: within < forMs ? health : "well", b: between(within, 10_000, 10_000 + forMs) ? health : "well" };
    };
    const moves = live(story, 3_600_000, HOUR_STEP_MS);
    expect(moves.slice(0, 2).map(({ to }) => to)).toEqual(["b", "a"]);
    expect(moves.length).toBeLessThan(40);
  });

  test("both groups in turn lost for 20 s: real outages are followed, each at once", () => {
    const moves = live(
      (at) => (at % 40_000 < 20_000 ? { a: "silent", b: "well" } : { a: "well", b: "silent" }),
      120_000,
    );
    expect(moves.map(({ to }) => to)).toEqual(["b", "a", "b", "a", "b", "a"]);
    for (const { afterMs } of moves) expect(afterMs % 20_000).toBeLessThanOrEqual(700);
  });
});

describe("how a group has been", () => {
  const at = (atMs: number) => ({ atMs });
  const suspect = [{ group: "a", state: "suspect", reason: "", sinceMs: 0, proof: false, software: false }] as const;
  const answered = (answeredMs: number, more: Partial<GroupView> = {}) =>
    idle("a", { canary: { askedMs: null, answeredMs, failedMs: null }, ...more });

  test("well from the first answer after it was suspect, not from the end of the suspicion", () => {
    let now = wellnessOf(answered(AT - 900), suspect, undefined, at(AT), DEFAULT_TIMING);
    expect(now).toEqual({ wellSinceMs: null, illMs: AT });
    // A token told late, and the answer of before.
    now = wellnessOf(answered(AT - 900, { lastTokenMs: AT + 10 }), [], now, at(AT + 20), DEFAULT_TIMING);
    expect(now.wellSinceMs).toBeNull();
    now = wellnessOf(answered(AT + 500), [], now, at(AT + 520), DEFAULT_TIMING);
    expect(now.wellSinceMs).toBe(AT + 520);
    now = wellnessOf(answered(AT + 2500), [], now, at(AT + 4000), DEFAULT_TIMING);
    expect(now.wellSinceMs).toBe(AT + 520);
    // Nothing was heard of it for longer than an answer proves it.
    now = wellnessOf(answered(AT + 2500), [], now, at(AT + 9000), DEFAULT_TIMING);
    expect(now.wellSinceMs).toBeNull();
  });

  test.each<[string, number, number | null, object]>([
    ["it answers a second later: left for nothing", 1000, AT + 900, { settled: true }],
    ["it answers nothing for three seconds: a real fault", 3000, AT - 500, { proof: true }],
    ["it is too early to say", 2900, AT - 500, {}],
  ])("a group was left on a silence: %s", (_name, afterMs, answeredMs, more) => {
    const move = { atMs: AT, from: "a", to: "b" };
    const group = answered(answeredMs ?? AT - 500, { lastTokenMs: AT + 300 });
    const one = { ...view({ current: "b", groups: [group, idle("b")] }), atMs: AT + afterMs };
    expect(settleMoves([move], one, DEFAULT_TIMING)).toEqual([{ ...move, ...more }]);
  });
});

describe("real faults one after another are each acted on in their own time", () => {
  /** Every 30 s the group that serves has a fault of the next class, and is repaired 12 s later. */
  const EVERY_MS = 30_000;
  const REPAIR_MS = 12_000;
  const LIMITS: [Health, number][] = [
    ["silent", 700],
    ["crashed", 50],
    ["hung", 5100],
    ["silent", 700],
    ["silent", 700],
    ["hung", 5100],
  ];
  const orders = [
    ["as in the bench", [0, 1, 2, 3, 4, 5]],
    ["silences first", [0, 3, 4, 1, 2, 5]],
    ["hangs first", [2, 5, 0, 1, 3, 4]],
  ] as const;
  test.each(orders)("six in three minutes, on the group that serves: %s", (_name, order) => {
    const story: Story = (at) => {
      const number = Math.floor(at / EVERY_MS);
      const ill = LIMITS[order[number] ?? 0]?.[0] ?? "well";
      const health = { a: "well", b: "well" } as Record<"a" | "b", Health>;
      // The first second of each round is sound; a repaired engine loads for two.
      const within = (at % EVERY_MS) - 1000;
      const victim = number % 2 === 0 ? "a" : "b";
      if (between(within, 0, REPAIR_MS - 2000)) health[victim] = ill;
      else if (between(within, REPAIR_MS - 2000, REPAIR_MS)) health[victim] = "loading";
      return health;
    };
    const moves = live(story, order.length * EVERY_MS);
    expect(moves.map(({ to }) => to)).toEqual(["b", "a", "b", "a", "b", "a"]);
    for (const [at, { afterMs }] of moves.entries()) {
      const [health, limitMs] = LIMITS[order[at] ?? 0] as [Health, number];
      expect(afterMs - (at * EVERY_MS + 1000), `${health} in round ${at}`).toBeLessThanOrEqual(limitMs);
    }
  });
});
