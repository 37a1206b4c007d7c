import type { Group } from "../groups/group.ts";
import type { Rider } from "../stream/rider.ts";
import { stillWarm } from "./warmed.ts";

/**
 * Tokens that may be written before the standby reads on. 20 streams lack 2,600 at a takeover then, 80 ms of prefill, and a
 * stream of 20 tokens a second costs a request each 13 s. Ours.
 */
export const STEP_TOKENS = 256;
/** A request that has written so much has not crashed an engine in its prefill, and may take long enough to be worth it. */
const FROM_TOKENS = 4;

/** Running answers that the standby should read, those first of which it lacks most. */
export function dueFor(standby: Group, current: string, riders: Iterable<Rider>): Rider[] {
  const due: { rider: Rider; lacks: number }[] = [];
  for (const rider of riders) {
    if (rider.group !== current || rider.legTokens < FROM_TOKENS) continue;
    // It was there when an engine crashed: the second group is not shown what may have done it.
    if (rider.strikes > 0) continue;
    const lacks = rider.prefillTokens(standby.id);
    const isDue = lacks >= (stillWarm(rider.warmed, standby) === null ? 1 : STEP_TOKENS);
    if (isDue && rider.stuck === null) due.push({ rider, lacks });
  }
  return due.sort((a, b) => b.lacks - a.lacks).map(({ rider }) => rider);
}
