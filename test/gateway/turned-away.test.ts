import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Rider } from "../../src/gateway/stream/rider.ts";
import { TurnedAway } from "../../src/gateway/turned-away.ts";
import { readChat } from "../emulator/server-process.ts";
import { ask, chat } from "./gateway-fixture.ts";
import { type Asked, counted, DONE, finished, type Scripted, said, startScripted } from "./scripted-engine.ts";

const FULL = {
  error: { object: "error", message: "The request queue is full.", type: "SERVICE_UNAVAILABLE", code: 503 },
};

/** As SGLang does it: within a stream of status 200. */
function refuse({ write, response }: Asked): void {
  write(FULL, DONE);
  response.end();
}
function begin({ write, response }: Asked, more?: "break"): void {
  write(said("Hello", 1), said(" you", 2));
  if (more === "break") setTimeout(() => response.destroy(), 50);
}
function goOn({ write, response }: Asked): void {
  write(said(" there", 1), finished(), counted(1), DONE);
  response.end();
}

describe("an answer of which a part was sent, and that an engine will not take on", () => {
  let world: Scripted;
  afterEach(() => world.close());
  const send = async (id: number, more: object = {}) =>
    readChat(await ask(world.url, "/v1/chat/completions", chat(`full ${id}`, 10, 0, more).body));
  const status = () => world.gateway.gateway.status;

  test("is tried again until it is taken: no strike, no break, and more often than it may break", async () => {
    const times: number[] = [];
    world = await startScripted(
      {
        a: (asked, count) => {
          times.push(performance.now());
          if (count === 1) begin(asked, "break");
          else if (count < 5) refuse(asked);
          else goOn(asked);
        },
        b: () => {},
      },
      { limits: { maxLegs: 3 } },
    );
    const answer = await send(1);
    expect([answer.content, answer.done, answer.error]).toEqual(["Hello you there", true, undefined]);
    expect(answer.chunks.some(({ usage }) => usage !== undefined)).toBe(false);
    expect(status()).toMatchObject({ active: "a", lastFailover: null, groups: { a: { state: "blind" } } });
    const pauses = times.map((at, index) => at - (times[index - 1] ?? at));
    for (const [index, ms] of [250, 500, 1000].entries()) expect(pauses[index + 2]).toBeGreaterThan(ms - 5);
    expect(new Set(world.a.asked.map(({ body }) => body.rid)).size).toBe(5);
    // Its fingerprint is not refused.
    expect(await send(1)).toMatchObject({ content: " there", done: true });
  });

  test("with an answer of status 503 the engine's own time is kept", async () => {
    let [refusedAt, againAt] = [0, 0];
    world = await startScripted({
      a: (asked, count) => {
        if (count === 1) return begin(asked, "break");
        if (count > 2) {
          againAt = performance.now();
          return goOn(asked);
        }
        refusedAt = performance.now();
        asked.response.writeHead(503, { "content-type": "application/json", "retry-after": "1" });
        asked.response.end(JSON.stringify(FULL));
      },
      b: () => {},
    });
    expect(await send(1)).toMatchObject({ content: "Hello you there", done: true });
    expect(againAt - refusedAt).toBeGreaterThan(995);
  });

  test("many at once say nothing against the group that they came to", async () => {
    world = await startScripted({
      a: (asked) => begin(asked),
      b: (asked, count) => (count <= 10 ? refuse(asked) : goOn(asked)),
    });
    const answers = Array.from({ length: 5 }, (_, id) => send(id));
    while (world.a.asked.length < 5) await new Promise((resolve) => setTimeout(resolve, 10));
    await new Promise((resolve) => setTimeout(resolve, 100));
    world.giveUpA();
    const states = new Set<string | undefined>();
    const watching = setInterval(() => states.add(status().groups.b?.state), 10);
    const all = await Promise.all(answers);
    clearInterval(watching);
    expect(all.map(({ content, done }) => [content, done])).toEqual(Array(5).fill(["Hello you there", true]));
    expect(states).not.toContain("suspect");
    expect(status().active).toBe("b");
  });

  test("ends with a clear event when its time is over", async () => {
    world = await startScripted(
      { a: (asked, count) => (count === 1 ? begin(asked, "break") : refuse(asked)), b: () => {} },
      { limits: { totalDeadlineMs: 2000 } },
    );
    const answer = await send(1);
    expect([answer.content, answer.done, answer.error?.code]).toEqual(["Hello you", false, "deadline"]);
  });

  test("ends with the engine's own words when that wants to be left alone for longer than a client waits", async () => {
    world = await startScripted({
      a: (asked, count) => {
        if (count === 1) return begin(asked, "break");
        asked.response.writeHead(503, { "content-type": "application/json", "retry-after": "600" });
        asked.response.end(JSON.stringify(FULL));
      },
      b: () => {},
    });
    const answer = await send(1);
    expect([answer.done, answer.error]).toMatchObject([false, { code: "engine_busy", message: FULL.error.message }]);
  });

  test("ends at once where nobody could go on with it", async () => {
    world = await startScripted({
      a: (asked) => {
        begin(asked);
        refuse(asked);
      },
      b: () => {},
    });
    const answer = await send(1, { n: 2 });
    expect([answer.done, answer.error]).toMatchObject([
      false,
      { code: "stream_not_continued", message: expect.stringContaining(FULL.error.message) },
    ]);
    expect(world.a.asked).toHaveLength(1);
  });
});

describe("the pauses", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());
  const rider = {} as Rider;
  const told: [Rider, boolean][] = [];
  const list = () => {
    told.length = 0;
    return new TurnedAway({ now: () => Date.now() }, (...one) => told.push(one), 10_000);
  };

  test("grow up to four seconds, and end with the patience", () => {
    const away = list();
    const start = Date.now();
    const tries: number[] = [];
    while (away.add(rider, false, null)) {
      vi.advanceTimersToNextTimer();
      tries.push(Date.now() - start);
    }
    expect(tries).toEqual([250, 750, 1750, 3750, 7750]);
    expect(told).toHaveLength(5);
  });

  test("begin anew after a token, and end when another group is used", () => {
    const away = list();
    away.add(rider, true, 9);
    vi.advanceTimersByTime(9_000);
    away.forget(rider);
    expect(away.add(rider, true, 9)).toBe(true);
    away.release();
    expect(told).toEqual([
      [rider, true],
      [rider, true],
    ]);
    expect(vi.getTimerCount()).toBe(0);
  });
});
