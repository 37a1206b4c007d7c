import { expect, test } from "vitest";
import { AnswerView } from "../../src/cli/drill/answer-view.ts";
import type { StreamRecord } from "../../src/drill/stream-record.ts";
import { chat, completion, perfectRecord } from "./records.ts";

/** The record as it grows, a piece at a time. */
function grow(view: AnswerView, record: StreamRecord): void {
  for (let count = 1; count <= record.pieces.length; count++) view.take(shown(record, count));
}
const growing = new Map<StreamRecord, StreamRecord>();
function shown(record: StreamRecord, count: number): StreamRecord {
  const own = growing.get(record) ?? { ...record, pieces: [] };
  growing.set(record, own);
  own.pieces = record.pieces.slice(0, count);
  return own;
}

test("one chat is shown token by token, with the pause that its reader noticed; all others are not", () => {
  let text = "";
  const view = new AnswerView((piece) => {
    text += piece;
  });
  grow(view, perfectRecord(completion));
  expect(text).toBe("");
  const record = perfectRecord(chat);
  const [first = [], rest = []] = [record.pieces.slice(0, 3), record.pieces.slice(3)];
  record.pieces = [...first, ...rest.map((piece) => ({ ...piece, atMs: piece.atMs + 900 }))];
  for (let count = 1; count <= record.pieces.length; count++) {
    if (count === 3) view.break();
    view.take(shown(record, count));
  }
  grow(view, perfectRecord({ ...chat, name: "stream-9-of-test" }));
  const tag = /[0-9a-f]{4}/.exec(record.pieces[0]?.text ?? "")?.[0];
  expect(text.split("\n")).toEqual([
    `          | > ${chat.prompt}`,
    `          | ${tag}-0 ${tag}-1 `,
    `          | ${tag}-2 [0.92 s] ${tag}-3 ${tag}-4 ${tag}-5 `,
  ]);
});

test("lines end before they are too wide for a terminal", () => {
  let text = "";
  const view = new AnswerView((piece) => {
    text += piece;
  });
  grow(view, perfectRecord({ ...chat, prompt: `${"long ".repeat(40)}answer=120`, answerTokens: 120, maxTokens: 200 }));
  expect(text.match(/-\d+ /g)).toHaveLength(120);
  expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThanOrEqual(100);
});
