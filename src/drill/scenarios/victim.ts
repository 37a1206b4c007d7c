import { TandemError } from "../../errors.ts";
import { pick } from "../pick.ts";
import type { DrillArena } from "./drill-arena.ts";
import type { Step } from "./scenario.ts";

/**
 * Whom a step hits: the one that was asked for, or any that it can hit.
 *
 * @throws TandemError E_DRILL_VICTIM for a name that the step cannot hit
 */
export function victimOf(
  arena: DrillArena,
  { on }: Step,
  active: string,
  wanted: string | undefined,
  random: () => number,
): string {
  const serversOf = (serving: boolean) =>
    arena.groups
      .filter(({ id }) => (id === active) === serving)
      .flatMap(({ servers }) => servers.map(({ name }) => name));
  const candidates = {
    active: serversOf(true),
    standby: serversOf(false),
    gateway: arena.replicas.map(({ name }) => name),
    nobody: arena.groups.filter(({ id }) => id !== active).map(({ id }) => id),
  }[on];
  if (wanted === undefined) return pick(candidates, random);
  if (candidates.includes(wanted)) return wanted;
  throw new TandemError({
    code: "E_DRILL_VICTIM",
    what: `${wanted} cannot be hit by this drill`,
    why: `it is for ${{ active: `a server of group ${active}, which serves`, standby: "a server of a group that stands by", gateway: "a replica of the gateway", nobody: "the group to move to" }[on]}`,
    fix: `name one of ${candidates.join(", ")}`,
  });
}
