import { randomBytes } from "node:crypto";
import { CALL_CLOSE, CALL_NAME, CALL_OPEN } from "../tokens.ts";
import type { CallPiece } from "./frames.ts";

/**
 * Takes tool calls out of an answer's text as SGLang's detectors do (function_call/deepseekv31_detector.py): content before
 * the marks, then the call in pieces. It starts outside of any call: what continues the inside of one would be content.
 */
export class ToolParser {
  #inside = false;
  /** A call was written to its end. */
  called = false;
  #args = "";

  /** One token of the emulated model; its marks are tokens of their own. */
  push(text: string): { content: string; call: CallPiece | null } {
    if (text === CALL_OPEN) {
      this.#inside = true;
      return { content: "", call: { id: `call_${randomBytes(12).toString("hex")}`, name: CALL_NAME, text: "" } };
    }
    if (text === CALL_CLOSE) {
      this.#inside = false;
      this.called = true;
      return { content: "", call: null };
    }
    if (!this.#inside) return { content: text, call: null };
    this.#args += text;
    return { content: "", call: { id: null, name: null, text } };
  }

  get arguments(): string {
    return this.#args;
  }
}
