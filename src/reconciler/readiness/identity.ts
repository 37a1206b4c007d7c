import type { GroupFacts } from "../../failover/readiness/facts.ts";
import { latest } from "../../failover/readiness/latest.ts";

/** Another value is another thing to prove: other servers, pods or revision. */
export function identityOf({ id, revision, engine, servers, pods }: GroupFacts): string {
  const names = servers.map(({ evidence }) => evidence.server);
  const uids = (pods ?? []).map(({ uid }) => uid).sort();
  return JSON.stringify([id, revision, engine, names, uids]);
}

/** Another one is an engine that was started anew; null while an agent that has just started has not found it yet. */
export function instanceOf({ id, servers }: GroupFacts): string | null {
  const found = servers.flatMap(
    ({ evidence }) => latest(evidence, "engine", ({ group }) => group === id)?.instance ?? [],
  );
  return found[0] ?? null;
}
