import type { Group } from "../groups/group.ts";

/** What an engine that is not used has read of an answer that runs elsewhere. */
export interface Warmed {
  group: string;
  /** One start of the engine: its cache does not outlive it. */
  instance: string;
  tokens: number;
  /** The attention-DP rank whose cache has it; null where there is one cache. */
  dpRank: number | null;
}

/** Null unless it is this group's, and its engine has not been started anew. */
export function stillWarm(warmed: Warmed | null, { id, engine }: Pick<Group, "id" | "engine">): Warmed | null {
  return warmed?.group === id && warmed.instance === engine?.instance ? warmed : null;
}
