import type { Witness } from "../health/silence.ts";
import type { GatewayHeard } from "./gateways.ts";

/**
 * What the gateways hear of each server, the best of all of them. A stream that its agent ended tells of the agent, and one that
 * never began tells nothing: neither is a witness.
 */
export function witnessesOf(present: readonly Pick<GatewayHeard, "heardMs" | "said">[]): Map<string, Witness> {
  const found = new Map<string, Witness>();
  for (const { heardMs, said } of present)
    for (const [server, { stream, silentMs }] of Object.entries(said.servers)) {
      if (stream !== "open" || silentMs === null) continue;
      const at = heardMs - silentMs;
      found.set(server, { heardMs: Math.max(at, found.get(server)?.heardMs ?? Number.NEGATIVE_INFINITY) });
    }
  return found;
}
