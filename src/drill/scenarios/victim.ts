import { TandemError } from "../../errors.ts";
import { pick } from "../pick.ts";
import type { DrillArena } from "./drill-arena.ts";
import type { Cause, Scenario, Step } from "./scenario.ts";

/** These take everything on a server, a replica of the gateway as well. */
const TAKES_ALL: readonly Cause[] = ["server-power", "server-freeze", "network-cut"];

/**
 * Whom a step hits: the one that was asked for, or any that it can hit. A server is spared whose gateway holds the drill's own
 * streams: they would break with it, which is another drill.
 *
 * @throws TandemError E_DRILL_VICTIM for a name that the step cannot hit
 */
export async function victimOf(
  arena: DrillArena,
  { on, cause }: Step,
  active: string,
  wanted: string | undefined,
  random: () => number,
): Promise<string> {
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
  const entry = TAKES_ALL.includes(cause) ? ((await arena.entryServer?.()) ?? null) : null;
  const free = candidates.filter((name) => name !== entry);
  if (wanted === undefined && free.length > 0) return pick(free, random);
  if (wanted !== undefined && free.includes(wanted)) return wanted;
  if (entry !== null && (wanted ?? entry) === entry)
    throw new TandemError({
      code: "E_DRILL_VICTIM",
      what: `${entry} is not hit by this drill`,
      why: "clients reach the gateway on it now, and the streams that this drill counts would break with that gateway",
      fix: `name one of ${free.join(", ") || "another group's servers"}, or run the drill gateway-kill`,
    });
  throw new TandemError({
    code: "E_DRILL_VICTIM",
    what: `${wanted} cannot be hit by this drill`,
    why: `it is for ${{ active: `a server of group ${active}, which serves`, standby: "a server of a group that stands by", gateway: "a replica of the gateway", nobody: "the group to move to" }[on]}`,
    fix: `name one of ${candidates.join(", ")}`,
  });
}

/** @throws TandemError E_DRILL_IMPOSSIBLE where one of its steps cannot be done; nothing has been done then */
export function assertPossible(arena: DrillArena, { name, steps }: Scenario, victim: string): void {
  const [why] = steps.flatMap(({ cause }) => arena.obstacle?.(cause, victim) ?? []);
  if (why === undefined) return;
  throw new TandemError({
    code: "E_DRILL_IMPOSSIBLE",
    what: `the drill ${name} cannot be run here`,
    why,
    fix: "drill the same spec on a local cluster or as a rehearsal; `tandem drill list` names what else there is",
  });
}
