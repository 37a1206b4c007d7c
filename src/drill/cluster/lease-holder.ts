import { setTimeout as sleep } from "node:timers/promises";
import type { KubeClient } from "../../kube/client.ts";
import type { LiveObject } from "../../kube/objects.ts";

const TIMEOUT_MS = 5_000;
const POLL_MS = 200;

/** Who holds a Lease, by the name that it gave itself; empty while nobody does. */
export async function leaseHolder(client: KubeClient, path: string): Promise<string> {
  const lease = await client.json<LiveObject>({ method: "GET", path, timeoutMs: TIMEOUT_MS });
  return (lease.spec as { holderIdentity?: string } | undefined)?.holderIdentity ?? "";
}

/** Resolves when somebody else than `before` holds it; false if nobody did within `withinMs`. */
export async function leasePassed(
  client: KubeClient,
  path: string,
  before: string,
  withinMs: number,
): Promise<boolean> {
  for (const endMs = performance.now() + withinMs; performance.now() < endMs; await sleep(POLL_MS)) {
    const holder = await leaseHolder(client, path).catch(() => "");
    if (holder !== "" && holder !== before) return true;
  }
  return false;
}
