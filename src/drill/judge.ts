import type { StreamRecord, Usage } from "./stream-record.ts";
import { expectedAnswer, type StreamRequest } from "./stream-request.ts";

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
}

type Channel = "reasoning" | "content";
/** Template, role marks and tags of a prompt, in tokens. */
const TEMPLATE_TOKENS = 16;
/** How the emulated tokenizer counts text; a prompt that holds part of the answer is far outside the tolerance. */
const BYTES_PER_TOKEN = 4;

/** Judges one stream against what it must have said. Pure: the same record, the same verdict. */
export function judgeStream(record: StreamRecord): StreamVerdict {
  const expected = expectedAnswer(record.request);
  const problems: string[] = [];
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
      place.seen.add(index);
      place.next = Math.max(place.next, index + 1);
    }
  };
  for (const { channel, text } of record.pieces) {
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
  problems.push(...frameProblems(record, expected.finishReason));
  problems.push(...usageProblems(record.request, record.usages, expected));
  return {
    name: record.request.name,
    tokens,
    expectedTokens,
    lost: expectedTokens - tokens,
    ...counts,
    problems,
  };
}

/** True if a reader of this stream cannot have noticed anything. */
export function isPerfect(verdict: StreamVerdict): boolean {
  const { lost, doubled, foreign, mixed, misplaced, problems } = verdict;
  return lost + doubled + foreign + mixed + misplaced === 0 && problems.length === 0;
}

function frameProblems(record: StreamRecord, wantedFinish: string): string[] {
  const problems: string[] = [];
  if (record.status !== null && record.status !== 200) problems.push(`HTTP status ${record.status}`);
  for (const { text } of record.errors) problems.push(`error: ${text}`);
  const reasons = record.finishes.map(({ reason }) => reason);
  if (reasons.length === 0) problems.push("no finish reason");
  else if (reasons.length > 1) problems.push(`${reasons.length} finish reasons: ${reasons.join(", ")}`);
  else if (reasons[0] !== wantedFinish) problems.push(`finish reason ${reasons[0]}, want ${wantedFinish}`);
  const finishedAt = record.finishes[0]?.atMs ?? Number.POSITIVE_INFINITY;
  if (record.pieces.some(({ atMs, text }) => text !== "" && atMs > finishedAt)) problems.push("text after the finish");
  if (record.ids.length > 1) problems.push(`the id changed: ${record.ids.join(", ")}`);
  if (record.ids.length === 0) problems.push("no chunk carried an id");
  if (!record.done) problems.push("no [DONE]");
  if (record.framesAfterDone > 0) problems.push(`${record.framesAfterDone} frames after [DONE]`);
  return problems;
}

function usageProblems(
  request: StreamRequest,
  usages: readonly Usage[],
  expected: { completionTokens: number; usageReasoningTokens: number },
): string[] {
  const [usage] = usages;
  if (usage === undefined) return ["no usage"];
  const problems: string[] = [];
  if (usages.length > 1) problems.push(`usage came ${usages.length} times`);
  const same = (what: string, got: number, want: number) => {
    if (got !== want) problems.push(`usage says ${got} ${what}, want ${want}`);
  };
  same("completion tokens", usage.completionTokens, expected.completionTokens);
  same("reasoning tokens", usage.reasoningTokens, expected.usageReasoningTokens);
  same("tokens in total", usage.totalTokens, usage.promptTokens + usage.completionTokens);
  const prompt = Math.ceil(byteLength(request.prompt) / BYTES_PER_TOKEN);
  if (usage.promptTokens < prompt || usage.promptTokens > prompt + TEMPLATE_TOKENS)
    problems.push(`usage says ${usage.promptTokens} prompt tokens, want ${prompt} to ${prompt + TEMPLATE_TOKENS}`);
  return problems;
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}
