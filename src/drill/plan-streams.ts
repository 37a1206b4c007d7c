import { tagOf } from "../emulator/tokens.ts";
import type { Hardship, StreamKind, StreamRequest } from "./stream-request.ts";

/** What decides how a model's answer looks. */
export interface ModelTraits {
  /** R1 always thinks, V3.1 when asked, V3 never. */
  thinking: "always" | "asked" | "never";
  opensThink: boolean;
}

export interface StreamsOptions {
  count: number;
  model: ModelTraits;
  /** Of each prompt; spread evenly on a logarithmic scale. */
  promptTokens: { min: number; max: number };
  /** Of what each stream writes, reasoning included. */
  answerTokens: { min: number; max: number };
  /** What makes some of the answers impossible to carry on; every third stream has one of them in turn. */
  hardships?: readonly Hardship[];
  /** Tells the streams of one run from those of another. */
  run: string;
  random(): number;
}

const BYTES_PER_TOKEN = 4;
const WORDS = ["rack", "fan", "cable", "switch", "breaker", "rail", "probe", "disk", "lamp", "bolt"];
/** Every so many streams one runs into `max_tokens` before the model stops by itself. */
const CUT_SHORT_EVERY = 5;
const HARDSHIP_EVERY = 3;

/** Requests of all kinds that the model knows and of all lengths asked for, in random order; no two share a tag. */
export function planStreams(options: StreamsOptions): StreamRequest[] {
  const { count, model, run, random, hardships = [] } = options;
  const kinds: readonly StreamKind[] = {
    always: ["chat-thinking", "chat-thinking", "completion"] as const,
    asked: ["chat", "chat-thinking", "completion"] as const,
    never: ["chat", "chat", "completion"] as const,
  }[model.thinking];
  const tags = new Set<string>();
  return Array.from({ length: count }, (_, at): StreamRequest => {
    const hardship =
      at % HARDSHIP_EVERY === HARDSHIP_EVERY - 1
        ? hardships[Math.floor(at / HARDSHIP_EVERY) % hardships.length]
        : undefined;
    // Tools and grammars are chat's; a model that need not think writes them without (V3.1's template knows no other way).
    const plainChat = model.thinking === "always" ? "chat-thinking" : "chat";
    const kind = hardship === undefined ? (kinds[at % kinds.length] as StreamKind) : plainChat;
    const total = Math.round(between(options.answerTokens, random()));
    const reasoningTokens = kind === "chat-thinking" ? Math.max(1, Math.round(total * random() * 0.6)) : 0;
    const answerTokens = Math.max(1, total - reasoningTokens);
    const size = promptSize(options.promptTokens, count, at);
    const name = `stream-${at}-of-${run}`;
    const callWords = hardship === "tool-call" ? Math.round(answerTokens / 2) : 0;
    const wish = [
      `answer=${answerTokens}`,
      ...(kind === "chat-thinking" ? [`reasoning=${reasoningTokens}`] : []),
      ...(callWords > 0 ? [`call=${callWords}`] : []),
    ].join(" ");
    let prompt = "";
    // Two streams with one tag could swap tokens unseen; another salt gives another tag.
    for (let salt = 0; prompt === "" || tags.has(tagOf(prompt)); salt++)
      prompt = filled(`${name} ${salt === 0 ? "" : `${salt} `}${wish}`, size, random);
    tags.add(tagOf(prompt));
    const cutShort = at % CUT_SHORT_EVERY === CUT_SHORT_EVERY - 1;
    return {
      name,
      kind,
      prompt,
      answerTokens,
      reasoningTokens,
      opensThink: model.opensThink,
      maxTokens: cutShort ? Math.max(1, Math.floor((total + callWords) * 0.9)) : total + callWords + 12,
      ...(hardship === undefined ? {} : { hardship }),
      ...(callWords > 0 ? { callWords } : {}),
    };
  });
}

function between({ min, max }: { min: number; max: number }, share: number): number {
  return min + (max - min) * share;
}

function promptSize({ min, max }: { min: number; max: number }, count: number, at: number): number {
  const share = count === 1 ? 0 : at / (count - 1);
  return Math.round(min * (max / min) ** share);
}

function filled(start: string, tokens: number, random: () => number): string {
  const parts = [start];
  let length = start.length;
  while (length < tokens * BYTES_PER_TOKEN) {
    const word = WORDS[Math.floor(random() * WORDS.length)] as string;
    parts.push(word);
    length += word.length + 1;
  }
  return parts.join(" ");
}
