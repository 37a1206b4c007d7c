import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { request } from "undici";
import { isPerfect, judgeStream } from "../../../src/drill/judge.ts";
import { modelOf } from "../../../src/drill/model-of.ts";
import { planStreams } from "../../../src/drill/plan-streams.ts";
import type { LiveObject } from "../../../src/kube/objects.ts";
import { LWS_NAME_LABEL, LWS_WORKER_INDEX_LABEL } from "../../../src/manifests/names.ts";
import { openWithin } from "../comparison/open-within.ts";
import { APP, NAMESPACE, SERVICE, SETS } from "./manifests.ts";
import type { PlainStack } from "./stack.ts";

export interface PlainGroup {
  name: string;
  /** Of rank 0, by name; the Service leads there. */
  leader: string;
  /** Of the leader first. */
  servers: string[];
}

/** A leader that cannot answer is asked again after so long. */
const ASK_EVERY_MS = 1_000;
/** Eight tokens of an engine that does nothing else take a tenth of it. */
const ANSWER_WITHIN_MS = 4_000;
const LOADS_WITHIN_MS = 2_000;

/** The groups as their pods lie on servers now; a group whose pods are not all on servers is left out. */
export async function groupsOf({ client, plan }: PlainStack): Promise<PlainGroup[]> {
  const { items } = await client.json<{ items: LiveObject[] }>({
    method: "GET",
    path: `/api/v1/namespaces/${NAMESPACE}/pods`,
    query: { labelSelector: `app=${APP.app}` },
    timeoutMs: 5_000,
  });
  return SETS.flatMap((name) => {
    const pods = items
      .filter(({ metadata }) => metadata.labels?.[LWS_NAME_LABEL] === name && metadata.deletionTimestamp === undefined)
      .sort((a, b) => indexOf(a) - indexOf(b));
    const servers = pods.flatMap(({ spec }) => (spec as { nodeName?: string }).nodeName ?? []);
    const [leader] = servers;
    return leader === undefined || servers.length < plan.serversPerGroup ? [] : [{ name, leader, servers }];
  });
}

const indexOf = ({ metadata }: LiveObject): number => Number(metadata.labels?.[LWS_WORKER_INDEX_LABEL] ?? 0);

/** Whether the Service leads to every leader; kube-proxy follows within a second. */
export async function isRouted({ client }: PlainStack): Promise<boolean> {
  const { items } = await client.json<{ items: { endpoints?: { conditions?: { ready?: boolean } }[] }[] }>({
    method: "GET",
    path: `/apis/discovery.k8s.io/v1/namespaces/${NAMESPACE}/endpointslices`,
    query: { labelSelector: `kubernetes.io/service-name=${SERVICE}` },
    timeoutMs: 5_000,
  });
  const endpoints = items.flatMap((slice) => slice.endpoints ?? []);
  return endpoints.filter(({ conditions }) => conditions?.ready === true).length === SETS.length;
}

/** Requests that the leader on a server works on, by its own word; null if it does not say. */
export async function runningOn({ plan }: PlainStack, server: string): Promise<number | null> {
  try {
    const { body } = await request(`${engineAt(plan, server)}/v1/loads`, {
      signal: AbortSignal.timeout(LOADS_WITHIN_MS),
    });
    const { loads } = (await body.json()) as { loads: { num_running_reqs: number; num_waiting_reqs: number }[] };
    return loads.reduce((sum, load) => sum + load.num_running_reqs + load.num_waiting_reqs, 0);
  } catch {
    return null;
  }
}

/**
 * Waits until the leader of a group, wherever it is by then, writes a right answer to somebody who asks it past the Service.
 *
 * @param endMs on the monotonic clock
 * @returns when it did; null if it did not before `endMs`
 */
export async function untilServes(stack: PlainStack, name: string, endMs: number): Promise<number | null> {
  for (; performance.now() < endMs; await sleep(ASK_EVERY_MS)) {
    const group = (await groupsOf(stack).catch(() => [])).find((one) => one.name === name);
    if (group !== undefined && (await answers(stack, group.leader))) return performance.now();
  }
  return null;
}

async function answers({ plan }: PlainStack, server: string): Promise<boolean> {
  const [question] = planStreams({
    count: 1,
    model: modelOf(plan),
    promptTokens: { min: 10, max: 10 },
    answerTokens: { min: 8, max: 8 },
    run: randomBytes(3).toString("hex"),
    random: Math.random,
  });
  if (question === undefined) throw new Error("no question was planned");
  const options = { baseUrl: `${engineAt(plan, server)}/v1`, model: plan.model.servedName };
  const record = await openWithin(question, { ...options, idleTimeoutMs: ANSWER_WITHIN_MS }).ended;
  return isPerfect(judgeStream(record));
}

function engineAt({ spec, ports }: PlainStack["plan"], server: string): string {
  const address = spec.servers[server]?.address;
  if (address === undefined) throw new Error(`the spec has no server ${server}`);
  return `http://${address}:${ports.http}`;
}
