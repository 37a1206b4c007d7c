import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Group } from "../../../src/gateway/groups/group.ts";
import type { LegEvents } from "../../../src/gateway/groups/leg.ts";
import type { Rider } from "../../../src/gateway/stream/rider.ts";
import { Warmer, type WarmOutcome } from "../../../src/gateway/warm/warmer.ts";

interface Asked {
  rider: string;
  body: Record<string, unknown>;
  events: LegEvents;
  left: boolean;
}

let asked: Asked[];
let outcomes: WarmOutcome[];
let riders: Set<Rider>;
let warmer: Warmer;
let standby: Group | null;

const group = (instance = "1:1"): Group =>
  ({
    id: "b",
    engine: { instance, state: "serving", tokensTotal: 0, queued: 0 },
    open: (_path: string, json: string, events: LegEvents) => {
      const body = JSON.parse(json) as Record<string, unknown>;
      const one = { rider: String(body.rid).split("-")[0] ?? "", body, events, left: false };
      asked.push(one);
      return { pause: () => {}, resume: () => {}, abandon: () => (one.left = true) };
    },
  }) as unknown as Group;

function ride(id: string, contextTokens: number): Rider {
  const rider = {
    id,
    group: "a",
    request: { path: "/v1/completions" },
    contextTokens,
    legTokens: 10,
    strikes: 0,
    stuck: null,
    over: false,
    warmed: null as Rider["warmed"],
    prefillTokens: () => rider.contextTokens - (rider.warmed?.tokens ?? 0),
    remaining: () => ({ prompt: id }),
  };
  const made = rider as unknown as Rider;
  riders.add(made);
  return made;
}

const answer = (one: Asked | undefined, status: number) => {
  one?.events.onHead(status, false, null);
  one?.events.onEnd();
};
const names = () => asked.map(({ rider }) => rider);

beforeEach(() => {
  vi.useFakeTimers();
  asked = [];
  outcomes = [];
  riders = new Set();
  standby = group();
  warmer = new Warmer({
    riders,
    current: () => "a",
    standby: () => standby,
    attentionDp: 1,
    clock: { now: () => performance.now() },
    onOutcome: (outcome) => outcomes.push(outcome),
  });
});
afterEach(() => {
  warmer.close();
  vi.useRealTimers();
});

test("two at once, the longest first, and each once", () => {
  const [short, middle, long] = [ride("short", 100), ride("middle", 500), ride("long", 9_000)];
  warmer.wake();
  vi.advanceTimersByTime(250);
  expect(names()).toEqual(["long", "middle"]);
  answer(asked[0], 200);
  expect(names()).toEqual(["long", "middle", "short"]);
  for (const one of asked.slice(1)) answer(one, 200);
  vi.advanceTimersByTime(5_000);
  expect(names()).toHaveLength(3);
  expect([short, middle, long].map(({ warmed }) => warmed?.tokens)).toEqual([100, 500, 9_000]);
  // It has written on.
  Object.assign(middle, { contextTokens: 756 });
  vi.advanceTimersByTime(250);
  expect(names().at(-1)).toBe("middle");
});

test("a standby that refuses is asked again after ten seconds, and one that will not have it is not", () => {
  ride("one", 500);
  warmer.wake();
  vi.advanceTimersByTime(250);
  answer(asked[0], 503);
  vi.advanceTimersByTime(9_500);
  expect(names()).toHaveLength(1);
  vi.advanceTimersByTime(1_000);
  expect(names()).toHaveLength(2);
  answer(asked[1], 400);
  vi.advanceTimersByTime(60_000);
  expect(names()).toHaveLength(2);
  expect(outcomes).toEqual(["refused", "refused"]);
});

test("over what a standby broke off it is not asked again; where nobody took the request it is", () => {
  ride("breaks", 500);
  warmer.wake();
  vi.advanceTimersByTime(250);
  asked[0]?.events.onBreak("refused", "ECONNREFUSED");
  vi.advanceTimersByTime(10_500);
  expect(names()).toHaveLength(2);
  asked[1]?.events.onBreak("reset", "ECONNRESET");
  vi.advanceTimersByTime(60_000);
  expect(names()).toHaveLength(2);
  expect(outcomes).toEqual(["broke", "broke"]);
});

test("what is being read is let go of when the standby has to take over", () => {
  const one = ride("one", 500);
  ride("two", 400);
  ride("three", 300);
  warmer.wake();
  vi.advanceTimersByTime(250);
  warmer.stop();
  standby = null;
  expect(asked.map(({ left }) => left)).toEqual([true, true]);
  vi.advanceTimersByTime(60_000);
  expect(names()).toHaveLength(2);
  expect(one.warmed).toBeNull();
  expect(outcomes).toEqual([]);
});

test("a standby that does not answer is left alone, and the looks end with the last answer", () => {
  ride("one", 500);
  warmer.wake();
  vi.advanceTimersByTime(30_250);
  expect(asked.map(({ left }) => left)).toEqual([true]);
  expect(outcomes).toEqual(["broke"]);
  riders.clear();
  vi.advanceTimersByTime(250);
  expect(vi.getTimerCount()).toBe(0);
});

test("an engine that was started anew has read nothing", () => {
  const one = ride("one", 500);
  warmer.wake();
  vi.advanceTimersByTime(250);
  answer(asked[0], 200);
  expect(one.warmed?.instance).toBe("1:1");
  standby = group("2:2");
  Object.assign(one, { prefillTokens: () => 500 });
  vi.advanceTimersByTime(250);
  expect(names()).toHaveLength(2);
});
