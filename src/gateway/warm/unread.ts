import type { Group } from "../groups/group.ts";
import type { Rider } from "../stream/rider.ts";

/** Tokens that `standby` would have to read before all of these go on there; everything, while there is none. */
export function unreadTokens(riders: Iterable<Rider>, standby: Group | null): number {
  let tokens = 0;
  for (const rider of riders) tokens += standby === null ? rider.contextTokens : rider.prefillTokens(standby.id);
  return tokens;
}
