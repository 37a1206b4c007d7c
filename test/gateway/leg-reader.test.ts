import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LegReader, nothingSent } from "../../src/gateway/stream/leg-reader.ts";
import { fromBinary, toBinary } from "../../src/stream/http/binary.ts";

// Text frames are cut by a template, all others are parsed. Here the answer is known before it is written, so that both
// ways are held against it and not against each other.

interface Piece {
  section: "reasoning" | "content";
  text: string;
  /** The engine says how many tokens there are. */
  counted: boolean;
}

const OWN = "0123456789abcdef";
/** Quotes, escapes, line ends and what looks like the end of a frame, in text. */
const text = fc
  .array(
    fc.oneof(
      fc.string({ unit: "binary", minLength: 1, maxLength: 6 }),
      fc.constantFrom(
        '"',
        "\\",
        "\n\n",
        "\ufffd",
        '"}',
        ',"usage":',
        '\\"',
        "data: [DONE]",
        "}\n",
        "é",
        "💡",
        "\u2028",
      ),
    ),
    { minLength: 1, maxLength: 3 },
  )
  .map((parts) => parts.join(""))
  // What JSON cannot carry through UTF-8.
  .map((joined) => joined.toWellFormed())
  .filter((joined) => joined !== "");
const pieces = fc.array(
  fc.record({ section: fc.constantFrom("reasoning" as const, "content" as const), text, counted: fc.boolean() }),
  { minLength: 1, maxLength: 12 },
);

const usage = (tokens: number) => ({
  prompt_tokens: 7,
  total_tokens: 7 + tokens,
  completion_tokens: tokens,
  prompt_tokens_details: { cached_tokens: 3 },
  reasoning_tokens: 0,
});

function frame(choice: object, more: object = {}): Record<string, unknown> {
  return {
    id: "engine-1",
    object: "chat.completion.chunk",
    created: 9,
    model: "deepseek-v3",
    choices: [choice],
    ...more,
  };
}

function textFrame({ section, text: said, counted }: Piece, tokens: number) {
  const delta = section === "reasoning" ? { reasoning_content: said } : { reasoning_content: null, content: said };
  const choice = { index: 0, delta, logprobs: null, finish_reason: null, matched_stop: null };
  return frame(choice, counted ? { usage: usage(tokens) } : {});
}

/** As an encoder writes it: characters beyond ASCII as they are, or escaped. */
function wireOf(value: unknown, escaped: boolean): string {
  const json = JSON.stringify(value);
  const ascii = (one: string) =>
    [...one].map((_, at) => `\\u${one.charCodeAt(at).toString(16).padStart(4, "0")}`).join("");
  return `data: ${escaped ? json.replaceAll(/[\u0080-\uffff]/g, ascii) : json}\n\n`;
}

function parts(binary: string, places: readonly number[]): string[] {
  const sorted = [...new Set(places.map((at) => at % (binary.length + 1)))].sort((a, b) => a - b);
  return [...sorted, binary.length].map((end, at) => binary.slice(at === 0 ? 0 : sorted[at - 1], end));
}

function payloads(out: string): unknown[] {
  const frames = fromBinary(out).split("\n\n").slice(0, -1);
  return frames.map((one) => JSON.parse(one.slice("data: ".length)) as unknown);
}

function newReader(sent = nothingSent(), wantsRunningUsage = false) {
  const options = { id: OWN, keepText: true, wantsUsage: true, wantsRunningUsage, mergeUsage: (one: never) => one };
  return new LegReader(sent, options);
}

const without = ({ usage: _, ...rest }: Record<string, unknown>) => ({ ...rest, id: OWN });

describe("a leg is read the same however it is cut", () => {
  test("every frame reaches the client once, and what was sent is known to the last character", () => {
    fc.assert(
      fc.property(
        pieces,
        fc.boolean(),
        fc.array(fc.nat(), { maxLength: 30 }),
        fc.boolean(),
        (said, escaped, cuts, running) => {
          const frames = said.map((piece, at) => textFrame(piece, at + 1));
          const finish = frame({
            index: 0,
            delta: { reasoning_content: null },
            finish_reason: "stop",
            matched_stop: 2,
          });
          const last = { ...frame({}), choices: [], usage: usage(said.length) };
          const wire = [...frames, finish, last].map((one) => wireOf(one, escaped)).join("");
          const sent = nothingSent();
          const reader = newReader(sent, running);
          const out = parts(`${toBinary(wire)}data: [DONE]\n\n`, cuts).map((part) => reader.push(part));

          const kept = (one: Record<string, unknown>) => (running ? { ...one, id: OWN } : without(one));
          expect(payloads(out.join(""))).toEqual([...frames.map(kept), kept(finish), { ...last, id: OWN }]);
          for (const section of ["reasoning", "content"] as const)
            expect(sent[section].text).toBe(
              said.flatMap((piece) => (piece.section === section ? piece.text : [])).join(""),
            );
          expect(sent.frames).toBe(said.length);
          expect(reader).toMatchObject({ done: true, completionTokens: said.length, textFrames: said.length });
          expect(reader.finishes).toEqual([{ reason: "stop", matched: 2 }]);
          expect(reader.lastUsage).toEqual(usage(said.length));
        },
      ),
      { numRuns: 600 },
    );
  });

  test("broken anywhere: what the client has, what is kept and what is counted agree", () => {
    fc.assert(
      fc.property(pieces, fc.array(fc.nat(), { maxLength: 30 }), fc.nat(), (said, cuts, at) => {
        const frames = said.map((piece, index) => textFrame({ ...piece, counted: true }, index + 1));
        const wire = toBinary(frames.map((one) => wireOf(one, false)).join(""));
        const sent = nothingSent();
        const reader = newReader(sent);
        const out = parts(wire.slice(0, at % wire.length), cuts)
          .map((part) => reader.push(part))
          .join("");
        const got = payloads(out) as {
          choices: { delta: { content?: string; reasoning_content?: string | null } }[];
        }[];
        const textOf = (field: "content" | "reasoning_content") =>
          got.map(({ choices: [choice] }) => choice?.delta[field] ?? "").join("");
        expect(sent.content.text).toBe(textOf("content"));
        expect(sent.reasoning.text).toBe(textOf("reasoning_content"));
        expect(sent.frames).toBe(got.length);
        // A frame that may end in half a character is held back, and is counted until it is known that the rest will not come.
        expect(reader.textFrames - got.length).toBeLessThanOrEqual(1);
        expect(reader.completionTokens).toBe(reader.textFrames);
        expect(reader.lastUsage).toEqual(reader.textFrames === 0 ? null : usage(reader.textFrames));
        reader.dropHeld();
        expect(reader.completionTokens).toBe(got.length);
        expect(reader.lastUsage).toEqual(got.length === 0 ? null : usage(got.length));
      }),
      { numRuns: 600 },
    );
  });
});

describe("frames of another form among those that a template cuts", () => {
  const piece = (said: string): Piece => ({ section: "content", text: said, counted: true });
  test.each<[string, Record<string, unknown>]>([
    ["another id", { ...textFrame(piece("b"), 2), id: "engine-2" }],
    ["a field after the usage", { ...textFrame(piece("b"), 2), extra: 1 }],
    ["an object after the usage", { ...textFrame(piece("b"), 2), extra: { completion_tokens: 5 } }],
    ["a usage without a count", { ...textFrame(piece("b"), 2), usage: null }],
    [
      "log probabilities",
      frame({ index: 0, delta: { reasoning_content: null, content: "b" }, logprobs: {}, finish_reason: null }),
    ],
    [
      "text with the finish",
      frame({ index: 0, delta: { reasoning_content: null, content: "b" }, logprobs: null, finish_reason: "stop" }),
    ],
  ])("%s", (_name, odd) => {
    const frames = [textFrame(piece("a"), 1), odd, textFrame(piece("c"), 3)];
    const sent = nothingSent();
    const out = newReader(sent).push(toBinary(frames.map((one) => wireOf(one, false)).join("")));
    // A null is no running usage, and passes.
    const expected = (one: Record<string, unknown>) => (one.usage === null ? { ...one, id: OWN } : without(one));
    expect(payloads(out)).toEqual(frames.map(expected));
    expect(sent.content.text).toBe("abc");
    expect(sent.frames).toBe(3);
  });
});
