import type { Remedy } from "../../health/remedy.ts";
import { LAST_TREATMENT, QUARANTINE, type QuarantineRecord } from "../../manifests/model-service/resource.ts";
import { GROUP_LABEL } from "../../manifests/names.ts";
import { OUT_OF_SERVICE } from "../observe/observe-server.ts";
import { quarantineOf } from "../observe/records.ts";
import { type Decided, done, type Hands, type Outcome, waiting } from "./hands.ts";
import { changeNode, nodeOf, recordOf } from "./node.ts";

/** Takes a server out of service: no new pod goes there, and what it needs is remembered on its node. */
export async function quarantine(hands: Hands, decided: Decided, server: string, remedy: Remedy): Promise<Outcome> {
  const node = nodeOf(decided, server);
  if (quarantineOf(node) !== null) return waiting(`${server} is in quarantine already`);
  const { evidence, moment } = decided.knowledge;
  const record: QuarantineRecord = {
    since: new Date(moment.wallMs).toISOString(),
    remedy,
    reason: decided.reason,
    bootId: evidence.get(server)?.bootId ?? null,
  };
  await changeNode(hands, node, {
    taints: { [QUARANTINE]: { value: remedy, effect: "NoSchedule" } },
    annotations: { [QUARANTINE]: JSON.stringify(record) },
  });
  return done(`${server} takes no new pods until it has had ${remedy}`);
}

/** Lets Kubernetes take the pods of a machine for ended and its volumes for free: only after the proof that it is off. */
export async function markOutOfService(hands: Hands, decided: Decided, server: string): Promise<Outcome> {
  const { fence } = observedServer(decided, server);
  if (!fence.fenced) return waiting(`${server} is not proven off: ${fence.reason}`);
  await changeNode(hands, nodeOf(decided, server), {
    taints: { [OUT_OF_SERVICE]: { value: "nodeshutdown", effect: "NoExecute" } },
  });
  return done(`${server} is off: ${fence.reason}`);
}

/** Into service again: it becomes a member of its group, or a spare; only what was done about it stays known. */
export async function returnServer(hands: Hands, decided: Decided, server: string): Promise<Outcome> {
  const { treated } = recordOf(decided, server);
  await changeNode(hands, nodeOf(decided, server), {
    taints: { [QUARANTINE]: null, [OUT_OF_SERVICE]: null },
    annotations: {
      [QUARANTINE]: null,
      ...(treated === undefined ? {} : { [LAST_TREATMENT]: JSON.stringify(treated) }),
    },
  });
  hands.power.seen.delete(server);
  return done(`${server} is in service again`);
}

/** Membership is a node label; pods that still run there belong to the old group and are not touched by it. */
export async function removeMember(hands: Hands, decided: Decided, group: string, server: string): Promise<Outcome> {
  const node = nodeOf(decided, server);
  if (node.metadata.labels?.[GROUP_LABEL] !== group) return waiting(`${server} has left ${group} already`);
  await changeNode(hands, node, { labels: { [GROUP_LABEL]: null } });
  return done(`${server} left ${group}`);
}

export async function addMember(hands: Hands, decided: Decided, group: string, server: string): Promise<Outcome> {
  const node = nodeOf(decided, server);
  const present = node.metadata.labels?.[GROUP_LABEL];
  if (present === group) return waiting(`${server} is in ${group} already`);
  if (present !== undefined) return waiting(`${server} is in ${present}`);
  await changeNode(hands, node, { labels: { [GROUP_LABEL]: group } });
  return done(`${server} joined ${group}`);
}

export function observedServer({ observation }: Decided, name: string) {
  const server = observation.observed.servers.find((one) => one.name === name);
  if (server === undefined) throw new Error(`${name} is no server of this ModelService`);
  return server;
}
