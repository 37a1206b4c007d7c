import { endOfString } from "../../stream/http/binary.ts";
import { RefusedRequest } from "./refused-request.ts";

/** Deeper than any tool's schema. Whatever writes JSON calls itself for each level and ends at some thousand, as the engine does. */
const MAX_DEPTH = 256;
/** More than the longest context has tokens, each of which may be a number of the prompt. A wrong one costs a kilobyte to complain of. */
const MAX_VALUES = 200_000;

const [QUOTE, OPENING_BRACKET, CLOSING_BRACKET, COMMA] = [34, 91, 93, 44];
const [OPENING_BRACE, CLOSING_BRACE] = [123, 125];

/**
 * Refuses JSON that is small as text and large, or endless, to work with: a body of brackets alone takes thirty times its length
 * once it is parsed. Counts what is outside strings; strings, nearly all of an honest body, are jumped over.
 */
export function assertModest(json: string): void {
  let depth = 0;
  let values = 1;
  for (let at = 0; at < json.length; at++) {
    const code = json.charCodeAt(at);
    if (code === QUOTE) {
      at = endOfString(json, at + 1);
      // It does not end, and is no JSON.
      if (at < 0) return;
    } else if (code === COMMA) values += 1;
    else if (code === OPENING_BRACKET || code === OPENING_BRACE) {
      depth += 1;
      values += 1;
    } else if (code === CLOSING_BRACKET || code === CLOSING_BRACE) depth -= 1;
    if (depth > MAX_DEPTH) throw new RefusedRequest(400, `the body is nested more than ${MAX_DEPTH} deep`);
    if (values > MAX_VALUES) throw new RefusedRequest(400, `the body has more than ${MAX_VALUES} values`);
  }
}
