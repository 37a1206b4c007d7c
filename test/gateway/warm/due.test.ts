import { describe, expect, test } from "vitest";
import { Group } from "../../../src/gateway/groups/group.ts";
import type { Rider } from "../../../src/gateway/stream/rider.ts";
import { dueFor } from "../../../src/gateway/warm/due.ts";
import { idleStandby } from "../../../src/gateway/warm/standby.ts";
import { unreadTokens } from "../../../src/gateway/warm/unread.ts";
import { warmBody } from "../../../src/gateway/warm/warm-body.ts";
import { stillWarm, type Warmed } from "../../../src/gateway/warm/warmed.ts";
import { WatchClock } from "../../../src/gateway/watch-clock.ts";

const engine = { instance: "1:1", state: "serving", tokensTotal: 0, queued: 0 } as const;

function group(id: string): Group {
  const made = new Group({ id, servers: [], urls: [], key: null, connectTimeoutMs: 1 }, new WatchClock());
  made.engine = { ...engine };
  return made;
}
const b = group("b");

/** A stream of group a with 1,000 tokens of context. */
function rider(id: string, more: Partial<Rider> = {}): Rider {
  const one = {
    id,
    group: "a",
    contextTokens: 1_000,
    legTokens: 10,
    strikes: 0,
    stuck: null,
    warmed: null as Warmed | null,
    ...more,
  };
  const prefillTokens = () => one.contextTokens - (stillWarm(one.warmed, b)?.tokens ?? 0);
  return { ...one, prefillTokens } as unknown as Rider;
}
const warmed = (tokens: number, more: Partial<Warmed> = {}): { warmed: Warmed } => ({
  warmed: { group: "b", instance: "1:1", tokens, dpRank: null, ...more },
});

describe("what the standby should read", () => {
  test.each<[string, Partial<Rider>, boolean]>([
    ["nothing of it was read", {}, true],
    ["nearly all was read", warmed(800), false],
    ["it has written on", warmed(744), true],
    ["its engine was started anew", warmed(1_000, { instance: "2:2" }), true],
    ["another group has it", warmed(1_000, { group: "c" }), true],
    ["it has no tokens yet: it may be what crashes an engine in its prefill", { legTokens: 3 }, false],
    ["it was there when an engine crashed", { strikes: 1 }, false],
    ["nobody could go on with it", { stuck: "its output is bound to a grammar" }, false],
    ["it is in no group, or finishes elsewhere", { group: "b" }, false],
  ])("%s", (_, more, isDue) => {
    expect(dueFor(b, "a", [rider("x", more)])).toHaveLength(isDue ? 1 : 0);
  });

  test("that of which it lacks most comes first", () => {
    const all = [rider("little", { contextTokens: 50 }), rider("much", { contextTokens: 9_000 }), rider("some")];
    expect(dueFor(b, "a", all).map(({ id }) => id)).toEqual(["much", "some", "little"]);
    expect(unreadTokens([...all, rider("read", warmed(900))], b)).toBe(10_150);
    expect(unreadTokens(all, null)).toBe(10_050);
  });
});

describe("who reads", () => {
  const suspicions = (state: string) =>
    [
      { group: "a", state: "clear" },
      { group: "b", state },
    ] as never;
  const choice = (state: string, kind = "use") => ({ kind, group: "a", suspicions: suspicions(state) }) as never;
  const of = (standby: Group, chosen = choice("clear")) =>
    idleStandby(
      { choice: chosen, current: "a" },
      new Map([
        ["a", group("a")],
        ["b", standby],
      ]),
    );
  const but = (change: (standby: Group) => void) => {
    const standby = group("b");
    change(standby);
    return standby;
  };

  test("the group that is not used, serves, and has nothing to do", () => expect(of(b)).toBe(b));
  test.each<[string, Group, never?]>([
    ["it is suspect", b, choice("suspect")],
    ["requests are held", b, choice("clear", "hold")],
    ["it still loads", but((one) => (one.engine = { ...engine, state: "starting" }))],
    ["nobody has told of its engine", but((one) => (one.engine = null))],
    ["it has a queue", but((one) => (one.engine = { ...engine, queued: 1 }))],
    ["it finishes answers after a planned move", but((one) => one.passengers.add({ waitingSinceMs: null }))],
  ])("nobody while %s", (_, standby, chosen) => expect(of(standby, chosen)).toBeNull());
});

test("one token is asked for, whatever the client wants, of the rank that has the rest", () => {
  const body = {
    model: "m",
    messages: [],
    stream: true,
    stream_options: { include_usage: true },
    max_completion_tokens: 500,
    min_tokens: 20,
    temperature: 0.6,
  };
  expect(warmBody(body, "id-warm-0", null)).toEqual({
    model: "m",
    messages: [],
    temperature: 0.6,
    stream: false,
    max_tokens: 1,
    rid: "id-warm-0",
  });
  expect(warmBody(body, "id-warm-0", 3)).toMatchObject({ routed_dp_rank: 3 });
});
