import { setTimeout as sleep } from "node:timers/promises";
import { isGone } from "../../../src/kube/ready.ts";
import { waitFor } from "../../../src/kube/wait.ts";
import type { Engine } from "../../../src/machines/local/engine.ts";
import { ENGINES } from "../comparison/round.ts";
import { groupsOf, isRouted, untilServes } from "./groups.ts";
import { NAMESPACE, plainManifests, SETS } from "./manifests.ts";
import { healServers } from "./round.ts";
import type { PlainStack } from "./stack.ts";

/** An emulated group serves within half a minute; on a machine with much to do, or after a server has booted, later. */
const SERVE_MS = 300_000;
const GONE_MS = 120_000;
/** The example's probe begins to look after 15 s, and then looks every ten. */
const ROUTED_MS = 60_000;
/** kube-proxy gathers changes for a second before it writes its rules. */
const RULES_MS = 2_000;

/**
 * Sees to it that both groups serve, on servers of their own, and that the Service leads to both. Whatever an earlier round has
 * left broken is healed and made anew.
 *
 * @throws Error with what is not so
 */
export async function wellGroups(stack: PlainStack, engine: Engine, tell: (text: string) => void): Promise<void> {
  await apply(stack);
  if (!(await serve(stack))) {
    tell("a group does not come back: both are made anew");
    await healServers(stack, engine);
    await remove(stack);
    await apply(stack);
    if (!(await serve(stack))) throw new Error("the groups do not serve");
  }
  const servers = (await groupsOf(stack)).flatMap((group) => group.servers);
  if (new Set(servers).size !== SETS.length * stack.plan.serversPerGroup)
    throw new Error(`the groups are on ${servers.join(", ")}`);
  for (const end = performance.now() + ROUTED_MS; !(await isRouted(stack)); await sleep(500))
    if (performance.now() > end) throw new Error("the Service does not lead to both leaders");
  await sleep(RULES_MS);
}

async function apply({ plan, objects }: PlainStack): Promise<void> {
  for (const manifest of plainManifests(plan, ENGINES))
    await objects.apply(manifest, { fieldManager: "bench", force: true });
}

async function serve(stack: PlainStack): Promise<boolean> {
  const endMs = performance.now() + SERVE_MS;
  const served = await Promise.all(SETS.map((name) => untilServes(stack, name, endMs)));
  return served.every((atMs) => atMs !== null);
}

async function remove({ client, objects }: PlainStack): Promise<void> {
  const references = SETS.map((name) => {
    return { apiVersion: "leaderworkerset.x-k8s.io/v1", kind: "LeaderWorkerSet", name, namespace: NAMESPACE };
  });
  for (const reference of references) await objects.remove(reference);
  // Of a server that was lost no pod ends by itself, and a set waits for its pods.
  const body = { apiVersion: "v1", kind: "DeleteOptions", gracePeriodSeconds: 0 };
  await client.json({ method: "DELETE", path: `/api/v1/namespaces/${NAMESPACE}/pods`, body });
  const options = { deadlineMs: GONE_MS, signal: new AbortController().signal };
  for (const reference of references) await waitFor(client, objects, reference, isGone, options);
}
