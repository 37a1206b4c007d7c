import type { ModelTraits } from "../model-traits.ts";
import type { ClientRequest } from "./client-request.ts";
import { writtenText } from "./continuation.ts";
import type { Sent } from "./leg-reader.ts";

/** Why a part of the answer being sent makes it impossible to go on; null if it can. */
export function whyStuck(request: ClientRequest, sent: Sent, model: ModelTraits): string | null {
  if (sent.frames === 0) return null;
  if (request.notContinued !== null) return request.notContinued;
  if (sent.toolCall) return "a part of a tool call was sent";
  if (request.stops.length === 0) return null;
  const text = writtenText(request, { reasoning: sent.reasoning.text, content: sent.content.text }, model);
  // The engine that goes on looks for stop strings in its own text alone: the answer would run past its end. One that was sent
  // whole has ended it.
  const isBegun = request.stops.some((stop) => lengthOfBeginning(stop, text) > 0);
  return isBegun ? "what was sent may end in the beginning of a stop string" : null;
}

/** How much of the beginning of `stop` the text ends with, as Knuth, Morris and Pratt find it: a client may send megabytes. */
function lengthOfBeginning(stop: string, text: string): number {
  const borders = [0];
  const grown = (from: number, unit: string | undefined): number => {
    let length = from;
    while (length > 0 && stop[length] !== unit) length = borders[length - 1] ?? 0;
    return length < stop.length && stop[length] === unit ? length + 1 : 0;
  };
  for (let at = 1; at < stop.length; at++) borders.push(grown(borders[at - 1] ?? 0, stop[at]));
  let length = 0;
  for (let at = Math.max(0, text.length - stop.length); at < text.length; at++) length = grown(length, text[at]);
  return length;
}
