import { DEFAULT_HEALTH_RULES } from "../health/rules.ts";
import type { Witness } from "../health/silence.ts";
import type { GatewayHeard } from "./gateways.ts";

/**
 * What the gateways hear of each server, the best of all of them. A stream that its agent ended tells of the agent, and one that
 * never began tells nothing: neither is a witness. Of `gone` gateways, which are not heard any more, the last word counts where
 * none that is present has one of about that time.
 */
export function witnessesOf(
  present: readonly Pick<GatewayHeard, "heardMs" | "said">[],
  gone: readonly Pick<GatewayHeard, "heardMs" | "said">[] = [],
): Map<string, Witness> {
  const last = [...wordsOf(gone)].map(([server, word]): [string, Witness] => [server, { ...word, isGone: true }]);
  const found = new Map(last);
  for (const [server, word] of wordsOf(present)) {
    const other = found.get(server);
    // It was heard when those that are left had lost it: their links are what is broken, and nobody hears it fall silent.
    if (other === undefined || !isMuchLater(other, word)) found.set(server, word);
  }
  return found;
}

/** By more than what two that hear the same server may differ by. */
export function isMuchLater(a: Witness, b: Witness): boolean {
  const { blindAfterMs, witnessLagMs } = DEFAULT_HEALTH_RULES;
  return a.heardMs - b.heardMs > blindAfterMs + witnessLagMs;
}

function wordsOf(gateways: readonly Pick<GatewayHeard, "heardMs" | "said">[]): Map<string, Witness> {
  const found = new Map<string, Witness>();
  for (const { heardMs, said } of gateways)
    for (const [server, { stream, silentMs }] of Object.entries(said.servers)) {
      if (stream !== "open" || silentMs === null) continue;
      const at = heardMs - silentMs;
      found.set(server, { heardMs: Math.max(at, found.get(server)?.heardMs ?? Number.NEGATIVE_INFINITY) });
    }
  return found;
}

/** When any of the gateways had a token of each group last: of a stream, or of a question of its own. */
export function answersOf(present: readonly Pick<GatewayHeard, "heardMs" | "said">[]): Map<string, number> {
  const found = new Map<string, number>();
  for (const { heardMs, said } of present)
    for (const [group, { answeredMs }] of Object.entries(said.groups)) {
      if (answeredMs === null) continue;
      found.set(group, Math.max(heardMs - answeredMs, found.get(group) ?? Number.NEGATIVE_INFINITY));
    }
  return found;
}
