import type { ClientRequest } from "./client-request.ts";
import type { Sent } from "./leg-reader.ts";

/** Why a part of the answer being sent makes it impossible to go on; null if it can. */
export function whyStuck(request: ClientRequest, sent: Sent, broke: number, maxLegs: number): string | null {
  if (sent.frames === 0) return null;
  if (request.notContinued !== null) return request.notContinued;
  if (sent.toolCall) return "a part of a tool call was sent";
  return broke >= maxLegs ? `it broke ${broke} times` : null;
}
