import type { StreamRecord, Usage } from "./stream-record.ts";
import { choicesOf, type ExpectedAnswer, type StreamRequest } from "./stream-request.ts";

/** Template, role marks and tags of a prompt, in tokens. */
const TEMPLATE_TOKENS = 16;
/** How the emulated tokenizer counts text; a prompt that holds part of the answer is far outside the tolerance. */
const BYTES_PER_TOKEN = 4;

/** What is wrong with the frames around the text: status, errors, finishes, ids, the end. */
export function frameProblems(record: StreamRecord, wantedFinish: string): string[] {
  const problems = idProblems(record);
  if (record.status !== null && record.status !== 200) problems.push(`HTTP status ${record.status}`);
  for (const { text } of record.errors) problems.push(`error: ${text}`);
  for (let choice = 0; choice < choicesOf(record.request); choice++) {
    const where = choicesOf(record.request) === 1 ? "" : ` in choice ${choice}`;
    const own = record.finishes.filter((finish) => (finish.choice ?? 0) === choice);
    const reasons = own.map(({ reason }) => reason);
    if (reasons.length === 0) problems.push(`no finish reason${where}`);
    else if (reasons.length > 1) problems.push(`${reasons.length} finish reasons: ${reasons.join(", ")}${where}`);
    else if (reasons[0] !== wantedFinish) problems.push(`finish reason ${reasons[0]}, want ${wantedFinish}${where}`);
    const finishedAt = own[0]?.atMs ?? Number.POSITIVE_INFINITY;
    if (record.pieces.some((piece) => (piece.choice ?? 0) === choice && piece.text !== "" && piece.atMs > finishedAt))
      problems.push(`text after the finish${where}`);
  }
  if (!record.done) problems.push("no [DONE]");
  if (record.framesAfterDone > 0) problems.push(`${record.framesAfterDone} frames after [DONE]`);
  return problems;
}

function idProblems({ ids }: StreamRecord): string[] {
  if (ids.length > 1) return [`the id changed: ${ids.join(", ")}`];
  return ids.length === 0 ? ["no chunk carried an id"] : [];
}

/**
 * Whether the stream ended as one may that cannot be carried on: a part of what makes it so was sent, then came the one
 * error event that says it, and neither a finish nor `[DONE]`, which a client would take for the end of the answer.
 */
export function endedClearly(record: StreamRecord): boolean {
  const { request, pieces, calls, errors, finishes, done, status } = record;
  if (request.hardship === undefined || status !== 200 || done || errors.length !== 1) return false;
  if (!errors[0]?.text.includes('"code":"stream_not_continued"')) return false;
  if (idProblems(record).length > 0 || record.usages.length > 0) return false;
  if (request.hardship === "tool-call") return calls.length > 0 && finishes.length === 0;
  // One of several choices may have ended before the other was broken.
  return pieces.length > 0 && finishes.length < choicesOf(request);
}

/** What is wrong with the count of tokens that the stream ends with. */
export function usageProblems(request: StreamRequest, usages: readonly Usage[], expected: ExpectedAnswer): string[] {
  const [usage] = usages;
  if (usage === undefined) return ["no usage"];
  const problems: string[] = [];
  if (usages.length > 1) problems.push(`usage came ${usages.length} times`);
  const same = (what: string, got: number, want: number) => {
    if (got !== want) problems.push(`usage says ${got} ${what}, want ${want}`);
  };
  same("completion tokens", usage.completionTokens, expected.completionTokens * choicesOf(request));
  same("reasoning tokens", usage.reasoningTokens, expected.usageReasoningTokens * choicesOf(request));
  same("tokens in total", usage.totalTokens, usage.promptTokens + usage.completionTokens);
  const prompt = Math.ceil(byteLength(request.prompt) / BYTES_PER_TOKEN);
  if (usage.promptTokens < prompt || usage.promptTokens > prompt + TEMPLATE_TOKENS)
    problems.push(`usage says ${usage.promptTokens} prompt tokens, want ${prompt} to ${prompt + TEMPLATE_TOKENS}`);
  return problems;
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}
