import { createHash } from "node:crypto";

/** What the emulated model writes for one prompt: `reasoning` tokens, a closing tag, then `answer` tokens. */
export interface AnswerShape {
  /** First four hex digits of the SHA-256 of the last user message. */
  tag: string;
  /** Tokens of reasoning, then the closing tag; null is a model that does not think and writes no tags. */
  reasoning: number | null;
  /** The model writes `<think>` itself (R1-0528); templates of other checkpoints open it. */
  opensThink: boolean;
  /** Tokens of answer before the model would stop by itself. */
  answer: number;
  /** Words in the arguments of the tool call that follows the answer; none without it. */
  call?: number | null;
}

/** Where the model stands in its own text: the next token is `tokenAt(shape, state)` without its first `skip` bytes. */
export interface TextState {
  section: "open" | "reasoning" | "answer" | "call";
  index: number;
  /** Characters of the next token that the prefix already holds. */
  skip: number;
}

export const THINK_OPEN = "<think>";
export const THINK_CLOSE = "</think>";

/** The tag that makes a foreign token visible: 16 bits of the SHA-256 of `message` in hex. */
export function tagOf(message: string): string {
  return createHash("sha256").update(message, "utf8").digest("hex").slice(0, 4);
}

/** Token `index` (from 0) of an answer: `TAG-index `. */
export function answerToken(tag: string, index: number): string {
  return `${tag}-${index} `;
}

/** Token `index` (from 0) of the reasoning: `TAG~index `. */
export function reasoningToken(tag: string, index: number): string {
  return `${tag}~${index} `;
}

/** DeepSeek's own marks around a tool call, and the name of the emulated tool. */
export const CALL_OPEN = "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>look_up<｜tool▁sep｜>";
export const CALL_CLOSE = "<｜tool▁call▁end｜><｜tool▁calls▁end｜>";
export const CALL_NAME = "look_up";

/** The raw tokens of a tool call whose arguments are one text of `words` words, in order: marks, JSON, marks. */
export function callTokens(tag: string, words: number): string[] {
  const text = Array.from({ length: words }, (_, index) => `${tag}+${index} `);
  return [CALL_OPEN, '{"text": "', ...text, '"}', CALL_CLOSE];
}

/** The first `tokens` tokens of an answer, or of its reasoning, as one string: what a client must have received. */
export function expectedText(message: string, tokens: number, kind: "answer" | "reasoning" = "answer"): string {
  const tag = tagOf(message);
  const token = kind === "answer" ? answerToken : reasoningToken;
  let text = "";
  for (let index = 0; index < tokens; index++) text += token(tag, index);
  return text;
}

/** The whole next token of the raw text; `null` when the model has nothing left to write. */
export function tokenAt(shape: AnswerShape, { section, index }: TextState): string | null {
  if (section === "open") return THINK_OPEN;
  if (section === "reasoning") return index < (shape.reasoning ?? 0) ? reasoningToken(shape.tag, index) : THINK_CLOSE;
  if (section === "answer" && index < shape.answer) return answerToken(shape.tag, index);
  if (typeof shape.call !== "number") return null;
  return callTokens(shape.tag, shape.call)[section === "call" ? index : 0] ?? null;
}

/** The state after the token that `tokenAt` gave. */
export function advance(shape: AnswerShape, { section, index }: TextState): TextState {
  if (section === "open") return { section: "reasoning", index: 0, skip: 0 };
  if (section === "reasoning" && index >= (shape.reasoning ?? 0)) return { section: "answer", index: 0, skip: 0 };
  if (section === "answer" && index >= shape.answer) return { section: "call", index: 1, skip: 0 };
  return { section, index: index + 1, skip: 0 };
}

/** Where a fresh answer starts. */
export function initialState(shape: AnswerShape): TextState {
  if (shape.reasoning === null) return { section: "answer", index: 0, skip: 0 };
  return { section: shape.opensThink ? "open" : "reasoning", index: 0, skip: 0 };
}

/**
 * Where the model goes on after `prefix`, whatever was sent: the last whole token in it decides kind and number, and a
 * partial token at the end is completed byte for byte. Text that is not ours is skipped, as a model would read past it.
 */
export function stateAfter(shape: AnswerShape, prefix: string): TextState {
  const closed = prefix.lastIndexOf(THINK_CLOSE);
  const inAnswer = closed >= 0;
  const tail = inAnswer ? prefix.slice(closed + THINK_CLOSE.length) : prefix;
  const whole = lastWholeToken(shape.tag, tail);
  let state: TextState;
  let rest = tail;
  if (whole !== null) {
    // Answer tokens before any closing tag still count as answer: the text goes on right and only its label is wrong.
    state = { section: whole.kind, index: whole.index + 1, skip: 0 };
    rest = tail.slice(whole.end);
  } else if (inAnswer) state = { section: "answer", index: 0, skip: 0 };
  else {
    state = initialState(shape);
    const opened = tail.lastIndexOf(THINK_OPEN);
    if (opened >= 0 && shape.reasoning !== null) {
      state = { section: "reasoning", index: 0, skip: 0 };
      rest = tail.slice(opened + THINK_OPEN.length);
    }
  }
  const next = tokenAt(shape, state);
  const partial = next !== null && rest.length < next.length && next.startsWith(rest);
  return { ...state, skip: partial ? rest.length : 0 };
}

function lastWholeToken(
  tag: string,
  text: string,
): { kind: "answer" | "reasoning"; index: number; end: number } | null {
  let last: RegExpExecArray | null = null;
  for (const match of text.matchAll(new RegExp(`${tag}([-~])(\\d{1,9}) `, "g"))) last = match;
  if (last === null) return null;
  return {
    kind: last[1] === "-" ? "answer" : "reasoning",
    index: Number(last[2]),
    end: last.index + last[0].length,
  };
}

/**
 * Splits a raw prompt (completions, `/generate`) into the message and the answer text that somebody appended to carry a
 * broken answer on. Needs at least `TAG-`: fewer characters could as well be the end of a prompt.
 */
export function splitRawPrompt(prompt: string): { message: string; prefix: string } {
  for (const match of prompt.matchAll(/(?:<think>)?([0-9a-f]{4})[-~]/g)) {
    const message = prompt.slice(0, match.index);
    const prefix = prompt.slice(match.index);
    if (match[1] === tagOf(message) && isAnswerPrefix(match[1], prefix)) return { message, prefix };
  }
  return { message: prompt, prefix: "" };
}

function isAnswerPrefix(tag: string, prefix: string): boolean {
  const token = `${tag}[-~]\\d+ `;
  const partial = `(?:${[...`${tag}-`].reduceRight((inner, char) => `(?:${char}${inner})?`, "\\d*")})`;
  return new RegExp(`^(?:<think>)?(?:${token}|</think>)*(?:${partial}|${tag}~\\d*)$`).test(prefix);
}

/** Lengths that a prompt asks for with `reasoning=N`, `answer=N` and `call=N`; tests and drills choose them so. */
export function requestedLengths(message: string): {
  reasoning: number | null;
  answer: number | null;
  call: number | null;
} {
  const read = (name: string) => {
    const match = new RegExp(`\\b${name}=(\\d{1,6})\\b`).exec(message);
    return match === null ? null : Number(match[1]);
  };
  return { reasoning: read("reasoning"), answer: read("answer"), call: read("call") };
}
