import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { readClientRequest } from "../../src/gateway/stream/client-request.ts";
import { nothingSent } from "../../src/gateway/stream/leg-reader.ts";
import { whyStuck } from "../../src/gateway/stream/stuck.ts";
import { readChat } from "../emulator/server-process.ts";
import { ask, chat } from "./gateway-fixture.ts";
import { counted, DONE, finished, type Scripted, said, startScripted } from "./scripted-engine.ts";

const WHY = "what was sent may end in the beginning of a stop string";

describe("a stop string that may lie across the seam", () => {
  let world: Scripted;
  afterEach(() => world.close());

  test.each<[string, string | string[], boolean]>([
    ["no stop string", [], true],
    ["another one", "END", true],
    ["one that was begun", "you!", false],
    ["the second of two", ["END", "u."], false],
    ["one that was sent whole, whose finish chunk was lost", " you", false],
  ])("%s", async (_name, stop, goesOn) => {
    world = await startScripted({
      a: ({ write, response }, count) => {
        if (count === 1) {
          write(said("Hello", 1), said(" you", 2));
          return void setTimeout(() => response.destroy(), 50);
        }
        write(said("! And more", 1), finished(), counted(1), DONE);
        response.end();
      },
      b: () => {},
    });
    const { content, done, error } = await readChat(
      await ask(world.url, "/v1/chat/completions", chat("stop", 9, 0, { stop }).body),
    );
    if (goesOn) return expect([content, done, error]).toEqual(["Hello you! And more", true, undefined]);
    expect([content, done]).toEqual(["Hello you", false]);
    expect(error).toMatchObject({ code: "stream_not_continued", message: expect.stringContaining(WHY) });
  });
});

describe("what a stop string is looked for in", () => {
  const model = { name: "m", parser: "deepseek-r1", templateOpensThink: true, contextLength: 1000 } as const;
  function why(body: object, { reasoning = "", content = "" }) {
    const kind = "prompt" in body ? "completions" : "chat";
    const messages = [{ role: "user", content: "hello" }];
    const request = readClientRequest(kind, kind === "chat" ? { messages, ...body } : body, "m");
    const sent = { ...nothingSent(), frames: 1 };
    sent.reasoning.addText(reasoning);
    sent.content.addText(content);
    return whyStuck(request, sent, model);
  }

  test("the text as the model wrote it, tags included", () => {
    expect(why({ stop: "k</think>X" }, { reasoning: "think", content: "X" })).toBe(WHY);
    expect(why({ stop: "k</think>X" }, { reasoning: "think" })).toBe(WHY);
    expect(why({ stop: "kX" }, { reasoning: "think", content: "X" })).toBe(null);
    expect(why({ stop: "" }, { content: "X" })).toBe(null);
  });

  test("not the prompt that is echoed", () => {
    const body = { prompt: "say END", stop: "D.", echo: true };
    expect(why(body, { content: "say END" })).toBe(null);
    expect(why(body, { content: "say ENDD" })).toBe(WHY);
  });

  test("a pattern may begin anywhere", () => {
    expect(why({ stop_regex: "[.]+" }, { content: "X" })).toBe("its end is a pattern");
  });

  test("any text ends in the beginning of a stop string, or does not", () => {
    const few = fc.string({ unit: fc.constantFrom("a", "b", "💡"), maxLength: 12 });
    fc.assert(
      fc.property(few, few, (text, stop) => {
        const beginnings = Array.from({ length: stop.length }, (_, at) => stop.slice(0, at + 1));
        const expected = beginnings.some((one) => text.endsWith(one)) ? WHY : null;
        expect(why({ stop, separate_reasoning: false }, { content: text })).toBe(expected);
      }),
      { numRuns: 1000 },
    );
  });

  test("one of a megabyte is no work", () => {
    const [text, stop] = ["a".repeat(1e6), `${"a".repeat(1e6)}b`];
    const start = performance.now();
    expect(why({ stop: stop.slice(1) }, { content: `${text}c` })).toBe(null);
    expect(performance.now() - start).toBeLessThan(5000);
  });
});
