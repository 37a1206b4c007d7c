import type { Crash } from "../health/follows.ts";

/** The second failure of one kind follows the workload (invariant 6); the first may be anybody's. */
const CRASHES = 2;

/**
 * Whether it is its revision that ends a group before it serves. What spoils a start may as well be a server that froze, a GPU,
 * a network, or a process that somebody killed: a crash that is blamed on a machine, or at which one was silent, does not count, one
 * alone proves nothing, and a revision that any group has served with starts. Before the first that ever served there is none to go back to.
 *
 * @param crashes of this group, the present one too
 * @param served the last revision that each group has served with; null for one that never has
 */
export function isRevisionToBlame(
  revision: string,
  crashes: readonly Pick<Crash, "remedy" | "revision" | "inSilence">[],
  served: readonly (string | null)[],
): boolean {
  if (served.includes(revision) || served.every((one) => one === null)) return false;
  const own = crashes.filter(
    (crash) => crash.revision === revision && crash.remedy === "restart-group" && crash.inSilence !== true,
  );
  return own.length >= CRASHES;
}
