import { describe, expect, test } from "vitest";
import { isPerfect, judgeStream } from "../../src/drill/judge.ts";
import { readPayload } from "../../src/drill/read-payload.ts";
import { emptyRecord, type StreamRecord } from "../../src/drill/stream-record.ts";
import { bodyOf, choicesOf, expectedAnswer, type StreamRequest } from "../../src/drill/stream-request.ts";
import { CALL_NAME } from "../../src/emulator/tokens.ts";
import { chat } from "./records.ts";

const call: StreamRequest = { ...chat, hardship: "tool-call", callWords: 3 };
const several: StreamRequest = { ...chat, hardship: "several" };
const grammar: StreamRequest = { ...chat, hardship: "grammar" };
const CLEAR = '{"message":"it cannot be carried on","type":"server_error","param":null,"code":"stream_not_continued"}';

/** The frames of a right answer as an engine sends them, the token count of each known. */
function frames(request: StreamRequest): object[] {
  const { answer, call: args, finishReason, completionTokens } = expectedAnswer(request);
  const prompt = Math.ceil(request.prompt.length / 4) + 3;
  const choices = Array.from({ length: choicesOf(request) }, (_, index) => index);
  const of = (index: number, delta: object, finish_reason: string | null = null) => ({
    id: "abc",
    choices: [{ index, delta, finish_reason }],
  });
  const piece = (text: string) => ({ tool_calls: [{ id: null, function: { name: null, arguments: text } }] });
  const begin = { tool_calls: [{ id: "call_1", function: { name: CALL_NAME, arguments: "" } }] };
  return [
    ...answer.flatMap((content) => choices.map((index) => of(index, { content }))),
    ...(args === null ? [] : [of(0, begin), ...args.map((text) => of(0, piece(text)))]),
    ...choices.map((index) => of(index, {}, finishReason)),
    {
      id: "abc",
      choices: [],
      usage: {
        prompt_tokens: prompt,
        completion_tokens: completionTokens * choices.length,
        total_tokens: prompt + completionTokens * choices.length,
      },
    },
  ];
}

/** Reads the first `count` frames of a right answer, and then what the gateway says of a broken one. */
function record(request: StreamRequest, count = Number.POSITIVE_INFINITY, error?: string): StreamRecord {
  const record = { ...emptyRecord(request, 900), status: 200, endedAtMs: 5000 };
  const all = frames(request);
  all.slice(0, count).forEach((frame, at) => void readPayload(record, JSON.stringify(frame), 1000 + at * 20));
  if (error !== undefined) readPayload(record, `{"error":${error}}`, 4000);
  else if (count >= all.length) readPayload(record, "[DONE]", 4500);
  return record;
}

describe("what cannot be carried on", () => {
  test.each([
    call,
    several,
    grammar,
    { ...call, maxTokens: 9 },
    { ...call, maxTokens: 6 },
    { ...several, maxTokens: 4 },
  ])("$hardship of at most $maxTokens tokens: the whole answer is perfect", (request) => {
    expect(judgeStream(record(request))).toMatchObject({ lost: 0, foreign: 0, problems: [], endedClearly: false });
  });

  test.each([
    [call, 8],
    [several, 5],
    [grammar, 1],
  ])("$0.hardship: a part, and the event that says why there is no more", (request, count) => {
    const verdict = judgeStream(record(request, count, CLEAR));
    expect(verdict).toMatchObject({ lost: 0, problems: [], endedClearly: true });
    expect(isPerfect(verdict)).toBe(true);
  });

  test.each<[string, StreamRecord]>([
    ["an end without a word", record(grammar, 4)],
    ["another error", record(grammar, 4, CLEAR.replace("stream_not_continued", "no_group"))],
    ["an answer that could have been carried on", record(chat, 4, CLEAR)],
    ["a call of which nothing was sent", record(call, 3, CLEAR)],
    ["several choices of which nothing was sent", record(several, 0, CLEAR)],
    ["[DONE] after the event", { ...record(several, 5, CLEAR), done: true }],
    ["a finish after the event", { ...record(grammar, 3, CLEAR), finishes: [{ atMs: 4100, reason: "stop" }] }],
    ["a hole in what was sent", { ...record(grammar, 4, CLEAR), pieces: record(grammar, 4).pieces.toSpliced(1, 1) }],
    [
      "a part sent twice",
      { ...record(grammar, 4, CLEAR), pieces: [...record(grammar, 4).pieces, ...record(grammar, 1).pieces] },
    ],
    [
      "arguments with a word twice",
      { ...record(call), pieces: record(call).pieces.toSpliced(8, 0, ...record(call).pieces.slice(7, 8)) },
    ],
    ["arguments that lack their end", { ...record(call), pieces: record(call).pieces.slice(0, -1) }],
    ["a call that began twice", { ...record(call), calls: [...record(call).calls, ...record(call).calls] }],
    ["a call that nobody asked for", { ...record(call), request: chat }],
    ["a choice without its finish", { ...record(several), finishes: record(several).finishes.slice(0, 1) }],
    [
      "a token in the other choice",
      { ...record(several), pieces: record(several).pieces.map((piece) => ({ ...piece, choice: 0 })) },
    ],
  ])("%s is not perfect", (_name, broken) => {
    expect(isPerfect(judgeStream(broken))).toBe(false);
  });

  test("the requests are those of an OpenAI client", () => {
    expect(bodyOf(call, "m").body).toMatchObject({ tools: [{ type: "function", function: { name: CALL_NAME } }] });
    expect(bodyOf(several, "m").body).toMatchObject({ n: 2 });
    expect(bodyOf(grammar, "m").body).toMatchObject({ response_format: { type: "json_schema" } });
  });
});
