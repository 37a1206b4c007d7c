import { THINK_CLOSE, THINK_OPEN } from "../tokens.ts";

export interface Parsed {
  reasoning: string;
  normal: string;
}

/** Longest tail of `text` that is a strict prefix of `token` (reasoning_parser.py, _ends_with_partial_token). */
function partialTail(text: string, token: string): number {
  for (let length = Math.min(text.length, token.length - 1); length > 0; length--)
    if (token.startsWith(text.slice(-length))) return length;
  return 0;
}

/**
 * SGLang's BaseReasoningFormatDetector in streaming form (parser/reasoning_parser.py), with the state that
 * `continue_final_message` starts it in. Tool-call interruption of the reasoning is left out.
 */
export class ReasoningParser {
  #inReasoning: boolean;
  #strippedOpen = false;
  #buffer = "";

  /** @param previousContent the raw text of the popped last message, "" when nothing is continued */
  constructor(forceReasoning: boolean, previousContent: string) {
    this.#inReasoning = forceReasoning;
    if (previousContent.includes(THINK_OPEN)) this.#inReasoning = true;
    if (previousContent.includes(THINK_CLOSE)) this.#inReasoning = false;
  }

  push(text: string): Parsed {
    this.#buffer += text;
    let current = this.#buffer;
    for (const token of [THINK_OPEN, THINK_CLOSE])
      if (token !== current && token.startsWith(current)) return { reasoning: "", normal: "" };
    if (!this.#strippedOpen && current.includes(THINK_OPEN)) {
      current = current.replace(THINK_OPEN, "");
      this.#buffer = current;
      this.#strippedOpen = true;
      this.#inReasoning = true;
    }
    const end = current.indexOf(THINK_CLOSE);
    if (this.#inReasoning && end >= 0) {
      this.#buffer = "";
      this.#inReasoning = false;
      return { reasoning: current.slice(0, end), normal: current.slice(end + THINK_CLOSE.length) };
    }
    if (!this.#inReasoning) {
      this.#buffer = "";
      return { reasoning: "", normal: current };
    }
    const tokens = this.#strippedOpen ? [THINK_CLOSE] : [THINK_CLOSE, THINK_OPEN];
    const held = Math.max(...tokens.map((token) => partialTail(current, token)));
    this.#buffer = current.slice(current.length - held);
    return { reasoning: current.slice(0, current.length - held), normal: "" };
  }

  /** What was held back when the generation ends. */
  end(): Parsed {
    const rest = this.#buffer;
    this.#buffer = "";
    return this.#inReasoning ? { reasoning: rest, normal: "" } : { reasoning: "", normal: rest };
  }
}
