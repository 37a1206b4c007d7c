import type { Injected } from "../arena.ts";
import { monotonicMs } from "../clock.ts";
import { releaseAsBefore, releaseBadly, releaseReached, type ServiceAt } from "../cluster/bad-release.ts";
import type { Cause } from "./scenario.ts";

/** What a drill does to a cluster as a person with a keyboard would. */
export interface Orders {
  /** The ModelService, for what is done to a release. */
  service: ServiceAt;
  /** Asks the reconciler as an operator would, and resolves when it has carried that out. */
  order(kind: "switchover" | "return", target: string): Promise<void>;
}

export type ApiCause = Extract<Cause, "switchover" | "bad-release">;

/** A standby is stopped and started with what it is given within seconds. */
const RELEASE_MS = 60_000;

export function isApiCause(cause: Cause): cause is ApiCause {
  return cause === "switchover" || cause === "bad-release";
}

/** Does what needs no way to a server. */
export async function causeByApi(
  cause: ApiCause,
  victim: string,
  { service, order }: Orders,
): Promise<Injected & { shown?(): Promise<boolean> }> {
  const atMs = monotonicMs();
  if (cause === "switchover") {
    await order("switchover", victim);
    return { atMs, what: `a move to group ${victim} was asked for` };
  }
  const revision = await releaseBadly(service);
  const shown = () => releaseReached(service, revision, RELEASE_MS);
  return { atMs, what: `revision ${revision} was released, whose engine does not start`, shown };
}

/** A planned move is no damage. */
export async function undoByApi(cause: ApiCause, { service }: Pick<Orders, "service">): Promise<void> {
  if (cause === "bad-release") await releaseAsBefore(service);
}
