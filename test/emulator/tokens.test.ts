import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as tokens from "../../src/emulator/tokens.ts";

const shape = fc.record({
  tag: fc.integer({ min: 0, max: 0xffff }).map((tag) => tag.toString(16).padStart(4, "0")),
  reasoning: fc.option(fc.integer({ min: 0, max: 13 })),
  opensThink: fc.boolean(),
  answer: fc.integer({ min: 1, max: 25 }),
});

function writeAll(model: tokens.AnswerShape, from: tokens.TextState): string {
  let text = "";
  let state = from;
  for (let token = tokens.tokenAt(model, state); token !== null; token = tokens.tokenAt(model, state)) {
    text += token.slice(state.skip);
    state = tokens.advance(model, state);
  }
  return text;
}

describe("the text is a function of prompt and position", () => {
  test("tag and tokens", () => {
    expect(tokens.tagOf("hello")).toBe("2cf2");
    expect(tokens.expectedText("hello", 3)).toBe("2cf2-0 2cf2-1 2cf2-2 ");
    expect(tokens.expectedText("hello", 2, "reasoning")).toBe("2cf2~0 2cf2~1 ");
  });

  test("the whole raw text", () => {
    const model = { tag: "2cf2", reasoning: 1, opensThink: true, answer: 2 };
    expect(writeAll(model, tokens.initialState(model))).toBe("<think>2cf2~0 </think>2cf2-0 2cf2-1 ");
  });

  test("cut anywhere, the rest is the rest: no token lost, doubled or changed", () => {
    fc.assert(
      fc.property(shape, fc.nat(), (model, seed) => {
        const full = writeAll(model, tokens.initialState(model));
        const cut = seed % (full.length + 1);
        expect(full.slice(0, cut) + writeAll(model, tokens.stateAfter(model, full.slice(0, cut)))).toBe(full);
      }),
      { numRuns: 2000 },
    );
  });

  test.each([
    ["what was sent counts, not where it began", "2cf2-7 2cf2-8 2cf", { section: "answer", index: 9, skip: 3 }],
    ["foreign text before our tokens", "as I said: 2cf2-1 ", { section: "answer", index: 2, skip: 0 }],
    ["foreign text alone", "Once upon a time", { section: "reasoning", index: 0, skip: 0 }],
    ["foreign text after a closed tag", "hm</think>", { section: "answer", index: 0, skip: 0 }],
    ["9 to 10 splits inside the number", "2cf2-8 2cf2-9 2cf2-1", { section: "answer", index: 10, skip: 6 }],
    ["an answer without a closing tag stays an answer", "2cf2-0 ", { section: "answer", index: 1, skip: 0 }],
  ])("%s", (_name, prefix, state) => {
    expect(tokens.stateAfter({ tag: "2cf2", reasoning: 4, opensThink: false, answer: 50 }, prefix)).toEqual(state);
  });
});

describe("a raw prompt that carries its own answer", () => {
  test("is split where the answer begins, for every cut after TAG-", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 40 }), fc.nat({ max: 20 }), fc.nat(), (message, count, seed) => {
        const answer = tokens.expectedText(message, count);
        const prefix = answer.slice(0, seed % (answer.length + 1));
        // Fewer than five characters could be the end of any prompt.
        fc.pre(prefix.length >= 5);
        expect(tokens.splitRawPrompt(message + prefix)).toEqual({ message, prefix });
      }),
    );
  });

  test("a prompt that only quotes another answer is not split", () => {
    const prompt = `Q: hi\nA: ${tokens.expectedText("other", 3)}\nQ: and now?`;
    expect(tokens.splitRawPrompt(prompt)).toEqual({ message: prompt, prefix: "" });
  });

  test("lengths are read from the prompt", () => {
    expect(tokens.requestedLengths("write answer=12, reasoning=3.")).toEqual({ reasoning: 3, answer: 12, call: null });
    expect(tokens.requestedLengths("the answer = 12")).toEqual({ reasoning: null, answer: null, call: null });
  });
});
