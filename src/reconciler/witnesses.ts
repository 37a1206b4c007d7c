import { DEFAULT_HEALTH_RULES, witnessMarginMs } from "../health/rules.ts";
import type { Witness } from "../health/silence.ts";
import type { GatewayHeard } from "./gateways.ts";

/** What one gateway said of the servers, and when it was asked. */
export type Word = Pick<GatewayHeard, "heardMs" | "said">;

/**
 * What the gateways hear of each server, the best of all of them. A stream that its agent ended tells of the agent, and one that
 * never began tells nothing: neither is a witness. Of `gone` gateways, which are not heard any more, the last word counts where
 * none that is present has one of about that time; one that has lost a server that we hear has a broken link itself, and is as
 * good as gone.
 *
 * @param ownMs when we heard each server last; undefined for one that we never heard
 */
export function witnessesOf(
  present: readonly Word[],
  gone: readonly Word[] = [],
  ownMs: (server: string) => number | undefined = () => undefined,
): Map<string, Witness> {
  const { deaf = [], able = [] } = Object.groupBy(present, (word) => (isDeaf(word, ownMs) ? "deaf" : "able"));
  const last = [...wordsOf([...gone, ...deaf])].map(([server, word]): [string, Witness] => [
    server,
    { ...word, isGone: true },
  ]);
  const found = new Map(last);
  for (const [server, word] of wordsOf(able)) {
    const other = found.get(server);
    // It was heard when those that are left had lost it: their links are what is broken, and nobody hears it fall silent.
    if (other === undefined || other.heardMs - word.heardMs <= witnessMarginMs()) found.set(server, word);
  }
  return found;
}

function isDeaf({ heardMs, said }: Word, ownMs: (server: string) => number | undefined): boolean {
  const { blindAfterMs } = DEFAULT_HEALTH_RULES;
  return Object.entries(said.servers).some(([server, { stream, silentMs }]) => {
    if (stream !== "open" || silentMs === null || silentMs <= witnessMarginMs()) return false;
    return (ownMs(server) ?? Number.NEGATIVE_INFINITY) >= heardMs - blindAfterMs;
  });
}

function wordsOf(gateways: readonly Word[]): Map<string, Witness> {
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
export function answersOf(present: readonly Word[]): Map<string, number> {
  const found = new Map<string, number>();
  for (const { heardMs, said } of present)
    for (const [group, { answeredMs }] of Object.entries(said.groups)) {
      if (answeredMs === null) continue;
      found.set(group, Math.max(heardMs - answeredMs, found.get(group) ?? Number.NEGATIVE_INFINITY));
    }
  return found;
}
