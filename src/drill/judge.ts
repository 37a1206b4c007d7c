import { CALL_NAME } from "../emulator/tokens.ts";
import { endedClearly, frameProblems, usageProblems } from "./judge-frames.ts";
import type { StreamRecord } from "./stream-record.ts";
import { choicesOf, type ExpectedAnswer, expectedAnswer } from "./stream-request.ts";

/** What is wrong with one stream, in counts of tokens and in sentences. All zero and no sentence: nobody noticed anything. */
export interface StreamVerdict {
  name: string;
  /** Right tokens, each counted once. */
  tokens: number;
  expectedTokens: number;
  /** Never came. */
  lost: number;
  /** Came again. */
  doubled: number;
  /** Text that is no token of this answer. */
  foreign: number;
  /** Reasoning as content, content as reasoning, or reasoning after content. */
  mixed: number;
  /** Came, but after a later one. */
  misplaced: number;
  problems: string[];
  /** It could not be carried on, and said so: what is missing is not lost unseen. */
  endedClearly: boolean;
}

type Channel = "reasoning" | "content";
type Counts = Pick<StreamVerdict, "tokens" | "expectedTokens" | "lost" | "doubled" | "foreign" | "mixed" | "misplaced">;

/** Judges one stream against what it must have said. Pure: the same record, the same verdict. */
export function judgeStream(record: StreamRecord): StreamVerdict {
  const { request } = record;
  const expected = expectedAnswer(request);
  const ended = endedClearly(record);
  const problems: string[] = [];
  const counts = { tokens: 0, expectedTokens: 0, lost: 0, doubled: 0, foreign: 0, mixed: 0, misplaced: 0 };
  const add = (part: Partial<Counts>) => {
    for (const [name, count] of Object.entries(part)) counts[name as keyof Counts] += count;
  };
  for (let choice = 0; choice < choicesOf(request); choice++) add(judgeText(record, choice, expected, ended, problems));
  add(judgeCall(record, expected, problems));
  if (ended) counts.lost = 0;
  else {
    problems.push(...frameProblems(record, expected.finishReason));
    problems.push(...usageProblems(request, record.usages, expected));
  }
  return { name: request.name, ...counts, problems, endedClearly: ended };
}

function judgeText(
  record: StreamRecord,
  choice: number,
  expected: ExpectedAnswer,
  ended: boolean,
  problems: string[],
): Counts {
  const counts = { doubled: 0, foreign: 0, mixed: 0, misplaced: 0 };
  const places: Record<Channel, { seen: Set<number>; next: number; expected: string[] }> = {
    reasoning: { seen: new Set(), next: 0, expected: expected.reasoning },
    content: { seen: new Set(), next: 0, expected: expected.answer },
  };
  const rest: Record<Channel, string> = { reasoning: "", content: "" };
  let contentBegan = false;
  const take = (channel: Channel, token: string): void => {
    const parsed = /^([0-9a-f]{4})([-~])(0|[1-9]\d*) $/.exec(token);
    if (parsed === null || parsed[1] !== expected.tag) {
      counts.foreign++;
      return;
    }
    const own: Channel = parsed[2] === "~" ? "reasoning" : "content";
    // Counted once here, and still placed: a token in the wrong channel is neither lost nor foreign.
    if (own !== channel || (channel === "reasoning" && contentBegan)) counts.mixed++;
    const place = places[own];
    const index = Number(parsed[3]);
    if (index >= place.expected.length) counts.foreign++;
    else if (place.seen.has(index)) counts.doubled++;
    else {
      if (index < place.next) counts.misplaced++;
      // What ended early has no end to be short of, but no hole either.
      else if (ended && index > place.next) counts.misplaced++;
      place.seen.add(index);
      place.next = Math.max(place.next, index + 1);
    }
  };
  for (const { channel, text, choice: own = 0 } of record.pieces) {
    if (channel === "call" || own !== choice) continue;
    const whole = (rest[channel] + text).split(/(?<= )/);
    rest[channel] = whole.at(-1)?.endsWith(" ") === false ? (whole.pop() as string) : "";
    for (const token of whole) if (token !== "") take(channel, token);
    if (channel === "content" && text !== "") contentBegan = true;
  }
  for (const channel of ["reasoning", "content"] as const)
    if (rest[channel] !== "") {
      counts.foreign++;
      problems.push(`${channel} ends in the middle of a token: ${JSON.stringify(rest[channel].slice(0, 40))}`);
    }
  const tokens = places.reasoning.seen.size + places.content.seen.size;
  const expectedTokens = expected.reasoning.length + expected.answer.length;
  return { tokens, expectedTokens, lost: expectedTokens - tokens, ...counts };
}

/** The arguments of a call as one text: a client puts its pieces together before it reads them. */
function judgeCall(record: StreamRecord, { call }: ExpectedAnswer, problems: string[]): Partial<Counts> {
  const pieces = record.pieces.filter(({ channel }) => channel === "call");
  const got = pieces.map(({ text }) => text).join("");
  if (call === null) {
    if (pieces.length + record.calls.length > 0) problems.push("a tool call that nobody asked for");
    return { foreign: pieces.length };
  }
  if (record.calls.length > 1) problems.push(`the tool call began ${record.calls.length} times`);
  if (record.calls.some(({ name }) => name !== CALL_NAME)) problems.push("the tool call has another name");
  const wanted = call.join("");
  if (!wanted.startsWith(got)) {
    problems.push(`arguments of the tool call: got ${JSON.stringify(got.slice(0, 80))}`);
    return { foreign: 1, expectedTokens: call.length };
  }
  const tokens = pieces.length;
  const lost = call.length - tokens + (record.calls.length === 0 ? 1 : 0);
  return { tokens, expectedTokens: call.length, lost };
}

/** True if a reader of this stream cannot have noticed anything, or was told clearly what is missing. */
export function isPerfect(verdict: StreamVerdict): boolean {
  const { lost, doubled, foreign, mixed, misplaced, problems } = verdict;
  return lost + doubled + foreign + mixed + misplaced === 0 && problems.length === 0;
}
