import { setTimeout as delay } from "node:timers/promises";
import type { Action } from "../failover/decision.ts";
import type { KubeClient } from "../kube/client.ts";
import { isNotFound } from "../kube/errors.ts";
import type { LiveObject } from "../kube/objects.ts";
import { GROUP_NOTES, type ModelService } from "../manifests/model-service/resource.ts";
import { GROUP_LABEL } from "../manifests/names.ts";
import { type Decided, type Hands, patchRead } from "./actions/hands.ts";
import { changeNode, note } from "./actions/node.ts";
import type { Gateways, Role } from "./gateways.ts";
import { quarantineOf } from "./observe/records.ts";

const TIMEOUT_MS = 5_000;
/** A gateway that hears does so at once; nothing waits for one that is gone with the server that failed. */
const HEARS_WITHIN_MS = 300;
/** A gateway takes a few hundred characters of it. */
const MAX_REASON = 400;

/** A step that follows from what was decided before, whoever decided it. */
export interface Upkeep {
  what: string;
  run(): Promise<void>;
}

/**
 * What must still be told or noted: the word to gateways that have an older one, to the Service of the active group, proofs and
 * progress to where they are read back from. Looked up anew each time, so a restart loses nothing.
 */
export function upkeep(hands: Hands, decided: Decided, gateways: Gateways, activeService: LiveObject | null): Upkeep[] {
  const { knowledge, observation } = decided;
  const { service, nodes } = knowledge.cluster;
  const { status } = service;
  if (status === undefined) return [];
  const steps: Upkeep[] = [];
  const members = membersOf(observation);
  const servers = serversOf(service);
  const { active, epoch } = status;
  for (const heard of gateways.behind({ epoch, members, servers }, knowledge.moment.monoMs)) {
    const move = status.moves?.at(-1);
    const reason = move?.reason.slice(0, MAX_REASON) ?? "the ModelService says so";
    const why = move?.epoch === epoch ? { why: move.why } : {};
    steps.push({
      what: `${heard.url} is told epoch ${epoch}`,
      run: async () => {
        hands.assertLeader();
        await soon(gateways.tell(heard.url, { active, epoch, reason, ...why, members, servers }));
      },
    });
  }
  const selector = (activeService?.spec as { selector?: Record<string, string> } | undefined)?.selector;
  if (activeService !== null && selector?.[GROUP_LABEL] !== status.active) {
    steps.push({
      what: `the Service active leads to ${status.active}`,
      run: async () => {
        await patchRead(hands, hands.paths.activeService, activeService, {
          spec: { selector: { [GROUP_LABEL]: status.active } },
        });
      },
    });
  }
  for (const [name, node] of nodes) {
    const record = quarantineOf(node);
    const power = knowledge.power.get(name);
    if (record?.powerOffAskedAt === undefined || record.poweredOffAt !== undefined || power?.power !== "off") continue;
    const poweredOffAt = new Date(knowledge.moment.wallMs).toISOString();
    steps.push({ what: `${name} is off`, run: async () => void (await note(hands, node, record, { poweredOffAt })) });
  }
  for (const { id, workload } of service.spec.groups) {
    const known = observation.workloads.get(id);
    if (known?.run !== "serving" || known.set === undefined) continue;
    const { revision, servedRevision } = known.notes;
    if (revision === null || revision === servedRevision) continue;
    const { set } = known;
    steps.push({
      what: `${id} has served with ${revision}`,
      run: async () => {
        const annotations = { [GROUP_NOTES.servedRevision]: revision };
        await patchRead(hands, hands.paths.set(workload), set, { metadata: { annotations } });
      },
    });
  }
  return steps;
}

/** The servers of each group, by their labels. */
function membersOf({ workloads }: Decided["observation"]): Record<string, readonly string[]> {
  return Object.fromEntries([...workloads].map(([id, { members }]) => [id, members]));
}

/** Every server of the stack, also those of no group: one that is added is heard before it is needed. */
function serversOf({ spec }: ModelService): NonNullable<Role["servers"]> {
  return Object.fromEntries(Object.entries(spec.servers).map(([name, { agent, engine }]) => [name, { agent, engine }]));
}

/**
 * Tells every gateway of a move as soon as it is written, and does not wait for the cluster to be read anew: half a second of a
 * move that was asked for. Whoever does not hear it is told by `upkeep`.
 */
export async function tellMove(
  hands: Hands,
  { knowledge, observation, reason }: Decided,
  { group, epoch, why }: Extract<Action, { kind: "set-active" }>,
  gateways: Gateways,
): Promise<void> {
  const members = membersOf(observation);
  hands.assertLeader();
  const servers = serversOf(knowledge.cluster.service);
  const role = { active: group, epoch, reason: reason.slice(0, MAX_REASON), why, members, servers };
  await soon(Promise.all(gateways.present(knowledge.moment.monoMs).map(({ url }) => gateways.tell(url, role))));
}

async function soon(told: Promise<unknown>): Promise<void> {
  await Promise.race([told, delay(HEARS_WITHIN_MS, undefined, { ref: false })]);
}

/** Null where the stack has none. */
export async function readActiveService(client: KubeClient, path: string): Promise<LiveObject | null> {
  try {
    return await client.json<LiveObject>({ method: "GET", path, timeoutMs: TIMEOUT_MS });
  } catch (error) {
    if (isNotFound(error)) return null;
    throw error;
  }
}

/** Annotation with the term of office of whoever wrote to an object last. */
const TERM = "tandem.dev/term";

function unstamped({ knowledge }: Decided, term: number) {
  const { nodes, sets } = knowledge.cluster;
  const isOld = ({ metadata }: LiveObject) => metadata.annotations?.[TERM] !== String(term);
  return { nodes: [...nodes.values()].filter(isOld), sets: [...sets.values()].filter(isOld) };
}

export function isStamped(decided: Decided, term: number): boolean {
  const { nodes, sets } = unstamped(decided, term);
  return nodes.length + sets.length === 0;
}

/** Marks every object that we write to with our term of office: what a former leader read of them before is worth nothing now. */
export async function stampTerm(hands: Hands, decided: Decided, term: number): Promise<void> {
  const { nodes, sets } = unstamped(decided, term);
  const annotations = { [TERM]: String(term) };
  for (const node of nodes) await changeNode(hands, node, { annotations });
  for (const set of sets)
    await patchRead(hands, hands.paths.set(set.metadata.name), set, { metadata: { annotations } });
}
