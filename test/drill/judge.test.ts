import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isPerfect, judgeStream } from "../../src/drill/judge.ts";
import type { StreamRecord } from "../../src/drill/stream-record.ts";
import type { StreamRequest } from "../../src/drill/stream-request.ts";
import { expectedText, tagOf } from "../../src/emulator/tokens.ts";
import { chat, completion, perfectRecord, thinking } from "./records.ts";

const cut = (request: StreamRequest, maxTokens: number): StreamRequest => ({ ...request, maxTokens });

describe("a right answer is perfect", () => {
  test.each<[string, StreamRequest]>([
    ["a chat", chat],
    ["a chat that thinks", thinking],
    ["a chat whose model writes the opening tag", { ...thinking, opensThink: true }],
    ["a completion", completion],
    ["a chat cut by max_tokens", cut(chat, 3)],
    ["a chat cut exactly before its end of sentence", cut(chat, 6)],
    ["a chat cut in its reasoning", cut(thinking, 2)],
    ["a chat cut at its closing tag", cut(thinking, 5)],
  ])("%s", (_name, request) => {
    expect(judgeStream(perfectRecord(request))).toMatchObject({ lost: 0, problems: [] });
    expect(isPerfect(judgeStream(perfectRecord(request)))).toBe(true);
  });

  test("the tokens are those of the emulator's own rule, not of the judge", () => {
    const texts = (channel: string) =>
      perfectRecord(thinking)
        .pieces.filter((piece) => piece.channel === channel)
        .map(({ text }) => text)
        .join("");
    expect(texts("reasoning")).toBe(expectedText(thinking.prompt, 4, "reasoning"));
    expect(texts("content")).toBe(expectedText(thinking.prompt, 5));
  });

  test("wherever the text is cut into pieces", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), (sizes) => {
        const record = perfectRecord(thinking);
        record.pieces = record.pieces.flatMap((piece, nth) => {
          const size = sizes[nth % sizes.length] as number;
          return (piece.text.match(new RegExp(`.{1,${size}}`, "g")) ?? []).map((text) => ({ ...piece, text }));
        });
        expect(isPerfect(judgeStream(record))).toBe(true);
      }),
    );
  });
});

type Defect = (record: StreamRecord) => void;
const drop =
  (at: number, count = 1): Defect =>
  ({ pieces }) =>
    void pieces.splice(at, count);
const say =
  (at: number, text: string): Defect =>
  ({ pieces }) => {
    (pieces[at] as { text: string }).text = text;
  };

describe("every defect is seen", () => {
  const tag = tagOf(chat.prompt);
  test.each<[string, StreamRequest, Defect, object]>([
    ["a lost token", chat, drop(2), { lost: 1, doubled: 0 }],
    ["a lost first token", chat, drop(0), { lost: 1 }],
    ["a lost tail with a finish", chat, drop(4, 2), { lost: 2 }],
    ["all lost", chat, drop(0, 6), { lost: 6, tokens: 0 }],
    ["a lost reasoning token", thinking, drop(1), { lost: 1 }],
    [
      "a doubled token",
      chat,
      ({ pieces }) => void pieces.splice(3, 0, { ...(pieces[2] as (typeof pieces)[0]) }),
      { doubled: 1, lost: 0 },
    ],
    [
      "an answer told twice",
      chat,
      ({ pieces }) => void pieces.splice(6, 0, ...pieces.map((piece) => ({ ...piece }))),
      { doubled: 6, lost: 0 },
    ],
    ["a token of another stream", chat, say(2, "0000-2 "), { foreign: 1, lost: 1 }],
    ["a token beyond the end", chat, say(5, `${tag}-6 `), { foreign: 1, lost: 1 }],
    ["a tag as text", chat, say(0, `</think>${tag}-0 `), { foreign: 1, lost: 1 }],
    ["half a token where a stream was joined", chat, say(2, `${tag}-`), { foreign: 1, lost: 2 }],
    ["half a token at the end", chat, say(5, `${tag}-5`), { foreign: 1, lost: 1 }],
    ["leading zeros", chat, say(1, `${tag}-01 `), { foreign: 1, lost: 1 }],
    [
      "reasoning as content",
      thinking,
      ({ pieces }) => {
        (pieces[3] as { channel: string }).channel = "content";
      },
      { mixed: 1, lost: 0 },
    ],
    [
      "content as reasoning",
      thinking,
      ({ pieces }) => {
        (pieces[4] as { channel: string }).channel = "reasoning";
      },
      { mixed: 1, lost: 0 },
    ],
    [
      "reasoning after content",
      thinking,
      ({ pieces }) => {
        pieces.push(...pieces.splice(3, 1));
      },
      { mixed: 1, lost: 0 },
    ],
    [
      "two tokens swapped",
      chat,
      ({ pieces }) => {
        [pieces[1], pieces[2]] = [pieces[2] as never, pieces[1] as never];
      },
      { misplaced: 1, lost: 0 },
    ],
  ])("%s", (_name, request, defect, counts) => {
    const record = perfectRecord(request);
    defect(record);
    const verdict = judgeStream(record);
    expect(verdict).toMatchObject(counts);
    expect(isPerfect(verdict)).toBe(false);
  });

  test.each<[string, StreamRequest, Defect, string]>([
    [
      "a wrong finish reason",
      chat,
      ({ finishes }) => Object.assign(finishes[0] ?? {}, { reason: "length" }),
      "want stop",
    ],
    ["abort", chat, ({ finishes }) => Object.assign(finishes[0] ?? {}, { reason: "abort" }), "finish reason abort"],
    [
      "length hidden as stop",
      cut(chat, 3),
      ({ finishes }) => Object.assign(finishes[0] ?? {}, { reason: "stop" }),
      "want length",
    ],
    ["no finish reason", chat, ({ finishes }) => void finishes.pop(), "no finish reason"],
    [
      "two finish reasons",
      chat,
      ({ finishes }) => void finishes.push({ atMs: 2000, reason: "stop" }),
      "2 finish reasons",
    ],
    [
      "text after the finish",
      chat,
      ({ finishes }) => Object.assign(finishes[0] ?? {}, { atMs: 1050 }),
      "text after the finish",
    ],
    ["an error event", chat, ({ errors }) => void errors.push({ atMs: 1, text: "503" }), "error: 503"],
    ["another id half-way", chat, ({ ids }) => void ids.push("def"), "the id changed: abc, def"],
    ["no id", chat, ({ ids }) => void ids.pop(), "no chunk carried an id"],
    ["no [DONE]", chat, (record) => Object.assign(record, { done: false }), "no [DONE]"],
    ["frames after [DONE]", chat, (record) => Object.assign(record, { framesAfterDone: 1 }), "1 frames after [DONE]"],
    ["HTTP 503", chat, (record) => Object.assign(record, { status: 503 }), "HTTP status 503"],
    ["no usage", chat, ({ usages }) => void usages.pop(), "no usage"],
    [
      "usage of both legs",
      chat,
      ({ usages }) => void usages.push({ ...(usages[0] as (typeof usages)[0]) }),
      "usage came 2 times",
    ],
    [
      "usage of the second leg alone",
      chat,
      ({ usages }) => Object.assign(usages[0] ?? {}, { completionTokens: 4 }),
      "usage says 4 completion tokens, want 7",
    ],
    [
      "reasoning counted wrong",
      thinking,
      ({ usages }) => Object.assign(usages[0] ?? {}, { reasoningTokens: 4 }),
      "usage says 4 reasoning tokens, want 5",
    ],
    [
      "the prefix of the continuation counted as prompt",
      chat,
      ({ usages }) => Object.assign(usages[0] ?? {}, { promptTokens: 120, totalTokens: 127 }),
      "prompt tokens",
    ],
    ["a wrong total", chat, ({ usages }) => Object.assign(usages[0] ?? {}, { totalTokens: 1 }), "in total"],
  ])("%s", (_name, request, defect, sentence) => {
    const record = perfectRecord(request);
    defect(record);
    const verdict = judgeStream(record);
    expect(verdict.problems.join("; ")).toContain(sentence);
    expect(isPerfect(verdict)).toBe(false);
  });

  test("whatever is done to any one piece", () => {
    const request = { ...thinking, reasoningTokens: 12, answerTokens: 30 };
    const alter = fc.oneof(fc.constant("drop"), fc.constant("double"), fc.constant("foreign"), fc.constant("channel"));
    fc.assert(
      fc.property(alter, fc.nat(41), (kind, at) => {
        const record = perfectRecord(request);
        const piece = record.pieces[at] as (typeof record.pieces)[0];
        if (kind === "drop") record.pieces.splice(at, 1);
        else if (kind === "double") record.pieces.splice(at, 0, { ...piece });
        else if (kind === "foreign") piece.text = piece.text.replace(/\d+ $/, "999 ");
        else piece.channel = piece.channel === "content" ? "reasoning" : "content";
        expect(isPerfect(judgeStream(record))).toBe(false);
      }),
    );
  });
});
