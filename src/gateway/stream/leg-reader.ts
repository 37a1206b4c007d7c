import { fromBinary, toBinary } from "../../stream/http/binary.ts";
import { TextLog } from "./text-log.ts";
import { type Section, TextTemplate } from "./text-template.ts";
import { isUsage, type Usage } from "./usage.ts";

/** What a stream keeps over all its legs. */
export interface Sent {
  reasoning: TextLog;
  content: TextLog;
  /** Head of the first frame: later legs have another one, and the client must not see it change. */
  head: { id: string; created: number } | null;
  role: boolean;
  /** Part of a tool call has left for the client. */
  toolCall: boolean;
  frames: number;
}

export function nothingSent(): Sent {
  return { reasoning: new TextLog(), content: new TextLog(), head: null, role: false, toolCall: false, frames: 0 };
}

export interface LegOptions {
  id: string;
  /** Text fields are looked for and kept; off for answers of several choices, which pass as they are. */
  keepText: boolean;
  /** The client asked for the final usage, or for a running one. */
  wantsUsage: boolean;
  wantsRunningUsage: boolean;
  mergeUsage(usage: Usage): Usage | null;
}

interface Frame {
  id?: string;
  created?: number;
  choices?: Choice[];
  usage?: unknown;
  error?: { code?: number; message?: string; type?: string };
}
interface Choice {
  index?: number;
  delta?: {
    role?: string | null;
    content?: string | null;
    reasoning_content?: string | null;
    tool_calls?: unknown[] | null;
  };
  text?: string;
  finish_reason?: string | null;
  matched_stop?: unknown;
}

/** U+FFFD as bytes: a character of which a part is still to come. */
const INCOMPLETE = "\u00ef\u00bf\u00bd";

/** Reads the event stream of one leg: what to send on, and what it says about tokens, end and refusal. */
export class LegReader {
  readonly #sent: Sent;
  readonly #options: LegOptions;
  readonly #templates: TextTemplate[] = [];
  #rest = "";
  #tail = "";
  /** A piece that may end in half a character, and what was counted before it. */
  #held: { piece: string; out: string; log: TextLog; tokens: number; tail: string } | null = null;
  completionTokens = 0;
  textFrames = 0;
  finishes: { reason: string; matched: unknown }[] = [];
  refusal: { code: number; message: string } | null = null;
  usage: Usage | null = null;
  done = false;

  constructor(sent: Sent, options: LegOptions) {
    this.#sent = sent;
    this.#options = options;
  }

  /** The running usage of the last frame that had one. */
  get lastUsage(): Usage | null {
    if (this.usage !== null || this.#tail === "") return this.usage;
    try {
      const usage: unknown = JSON.parse(this.#tail.slice(0, this.#tail.lastIndexOf("}")));
      return isUsage(usage) ? usage : null;
    } catch {
      return null;
    }
  }

  get unreadBytes(): number {
    return this.#rest.length;
  }

  /** Takes bytes as they come and returns what goes to the client, both as binary strings. */
  push(bytes: string): string {
    const text = this.#rest === "" ? bytes : this.#rest + bytes;
    let out = "";
    let start = 0;
    for (let end = text.indexOf("\n\n", start); end >= 0; end = text.indexOf("\n\n", start)) {
      out += this.#byTemplate(text, start, end) ?? this.#parse(text.slice(start, end));
      start = end + 2;
    }
    this.#rest = start === 0 ? text : text.slice(start);
    return out;
  }

  #byTemplate(text: string, start: number, end: number): string | null {
    for (const template of this.#templates) {
      const cut = template.cut(text, start, end);
      if (cut === null) continue;
      const out = this.#text(template, cut.piece);
      if (cut.usage !== null) {
        this.completionTokens = cut.completionTokens;
        this.#tail = cut.usage;
      }
      return out;
    }
    return null;
  }

  #text({ section, outPrefix, outSuffix }: TextTemplate, piece: string): string {
    const log = this.#sent[section];
    let out = this.#release();
    this.textFrames += 1;
    if (piece.endsWith(INCOMPLETE) || piece.endsWith("\\ufffd")) {
      const [tokens, tail] = [this.completionTokens, this.#tail];
      this.#held = { piece, out: outPrefix + piece + outSuffix, log, tokens, tail };
      return out;
    }
    log.add(piece);
    this.#sent.frames += 1;
    out += outPrefix + piece + outSuffix;
    return out;
  }

  /** The leg is over. What it held back was never sent: another one writes it again, and counts it. */
  dropHeld(): void {
    if (this.#held === null) return;
    this.completionTokens = this.#held.tokens;
    this.#tail = this.#held.tail;
    this.#held = null;
  }

  /** A half character was a whole one after all. */
  #release(): string {
    if (this.#held === null) return "";
    const { piece, out, log } = this.#held;
    this.#held = null;
    log.add(piece);
    this.#sent.frames += 1;
    return out;
  }

  #parse(frame: string): string {
    if (!frame.startsWith("data:")) return frame.startsWith(":") ? `${frame}\n\n` : "";
    const payload = frame.slice(5).trim();
    if (payload === "[DONE]") {
      this.done = true;
      return this.#release();
    }
    let value: Frame;
    try {
      value = JSON.parse(fromBinary(payload)) as Frame;
    } catch {
      return "";
    }
    if (value.error !== undefined) {
      this.refusal = { code: value.error.code ?? 500, message: value.error.message ?? "refused" };
      return "";
    }
    const choices = value.choices ?? [];
    if (choices.length === 0) return this.#release() + this.#usageFrame(value);
    return this.#release() + this.#choiceFrame(value, choices, payload);
  }

  #usageFrame(value: Frame): string {
    if (!isUsage(value.usage)) return this.#frame(value);
    this.usage = value.usage;
    this.completionTokens = value.usage.completion_tokens;
    return this.#options.wantsUsage ? this.#frame({ ...value, usage: this.#options.mergeUsage(value.usage) }) : "";
  }

  #choiceFrame(value: Frame, choices: readonly Choice[], payload: string): string {
    const sent = this.#sent;
    sent.head ??= { id: this.#options.id, created: value.created ?? 0 };
    if (isUsage(value.usage)) {
      this.completionTokens = value.usage.completion_tokens;
      this.#tail = `${JSON.stringify(value.usage)}}`;
    }
    const section = this.#sectionOf(choices);
    let speaks = false;
    for (const choice of choices) {
      const { delta, text, finish_reason: finish } = choice;
      if (finish) this.finishes.push({ reason: finish, matched: choice.matched_stop ?? null });
      if ((delta?.tool_calls?.length ?? 0) > 0) sent.toolCall = true;
      if (delta?.reasoning_content || delta?.content || text || (delta?.tool_calls?.length ?? 0) > 0) speaks = true;
      if (!this.#options.keepText) continue;
      if (delta?.reasoning_content) sent.reasoning.addText(delta.reasoning_content);
      if (delta?.content || text) sent.content.addText(delta?.content || text || "");
    }
    // An abort that no client asked for is a break, not an end: the stream is carried on.
    if (this.finishes.some(({ reason }) => reason === "abort")) return "";
    if (!speaks && choices[0]?.delta?.role) {
      if (sent.role) return "";
      sent.role = true;
    }
    if (speaks) {
      this.textFrames += 1;
      sent.frames += 1;
    }
    if (section !== null && this.#options.keepText && !this.#options.wantsRunningUsage && this.#templates.length < 4) {
      const template = TextTemplate.learn(payload, section, sent.head);
      if (template !== null) this.#templates.push(template);
    }
    return this.#frame(this.#withUsage(value));
  }

  #withUsage(value: Frame): Frame {
    if (!isUsage(value.usage)) return value;
    if (this.#options.wantsRunningUsage) return { ...value, usage: this.#options.mergeUsage(value.usage) };
    // Where the engine would have written no usage: absent in its own encoder, null in pydantic's.
    const { usage: _, ...rest } = value;
    const [choice] = value.choices ?? [];
    const pydantic = choice?.text !== undefined || choice?.delta?.tool_calls !== undefined;
    return pydantic ? { ...rest, usage: null } : rest;
  }

  #frame(value: Frame): string {
    const head = this.#sent.head;
    const fixed = head === null ? value : { ...value, id: head.id, created: head.created };
    return `data: ${toBinary(JSON.stringify(fixed))}\n\n`;
  }

  #sectionOf(choices: readonly Choice[]): Section | null {
    const [choice] = choices;
    if (choices.length !== 1 || choice === undefined || choice.finish_reason) return null;
    const { delta, text } = choice;
    if (text) return "content";
    if (delta?.role || (delta?.tool_calls?.length ?? 0) > 0) return null;
    if (delta?.reasoning_content && delta.content) return null;
    return delta?.reasoning_content ? "reasoning" : delta?.content ? "content" : null;
  }
}
