import { expect, test } from "vitest";
import type { KubeClient, KubeRequest } from "../../src/kube/client.ts";
import type { LiveObject } from "../../src/kube/objects.ts";
import { LWS_WORKER_INDEX_LABEL } from "../../src/manifests/names.ts";
import { endPods } from "../../src/reconciler/actions/delete-pods.ts";
import type { Decided, Hands } from "../../src/reconciler/actions/hands.ts";
import type { Workload } from "../../src/reconciler/observe/workload.ts";

const SERVERS = { "sglang-a-0": "gpu-a", "sglang-a-0-1": "gpu-b" };

test("no deletion waits for the answer to another: a controller's, with a grace of minutes, would be first", async () => {
  const asked: string[] = [];
  const answers: (() => void)[] = [];
  const ended = end({
    json: ({ path }) => {
      asked.push(path);
      return new Promise((resolve) => answers.push(() => resolve({})));
    },
  });
  expect(asked, "the leader's is the first").toEqual(["sglang-a-0", "sglang-a-0-1"]);
  for (const answer of answers.reverse()) answer();
  expect(await ended).toEqual(["sglang-a-0", "sglang-a-0-1"]);
});

test("a pod is deleted once with each grace, and by force where nobody hears its server", async () => {
  const graces = new Map<string, unknown>();
  const json = async ({ path, body }: KubeRequest) => graces.set(path, body);
  expect(await end({ json, deleting: { "sglang-a-0": 1 } })).toEqual(["sglang-a-0-1"]);
  expect(await end({ json, deleting: { "sglang-a-0": 150, "sglang-a-0-1": 1 }, blind: "gpu-b" })).toEqual([
    "sglang-a-0",
    "sglang-a-0-1 by force",
  ]);
  expect(graces.get("sglang-a-0")).toMatchObject({ gracePeriodSeconds: 1, propagationPolicy: "Foreground" });
  expect(graces.get("sglang-a-0-1")).toMatchObject({ gracePeriodSeconds: 0 });
});

interface Ending {
  json: (what: KubeRequest) => Promise<unknown>;
  /** Seconds of grace of those that are being deleted. */
  deleting?: Record<string, number>;
  blind?: string;
}

function end({ json, deleting = {}, blind }: Ending): Promise<string[]> {
  const pods = Object.entries(SERVERS).map(([name, nodeName]): LiveObject => {
    const grace = deleting[name];
    const deletion = { deletionTimestamp: "2026-11-29T08:03:02Z", deletionGracePeriodSeconds: grace };
    const labels = { [LWS_WORKER_INDEX_LABEL]: name === "sglang-a-0" ? "0" : "1" };
    const metadata = { name, uid: name, labels, ...(grace === undefined ? {} : deletion) };
    return { apiVersion: "v1", kind: "Pod", metadata, spec: { nodeName } } as LiveObject;
  });
  const names = Object.values(SERVERS);
  const servers = names.map((name) => ({ name, verdict: { state: name === blind ? "blind" : "healthy" } }));
  const hands = {
    client: { json } as KubeClient,
    paths: { pod: (name: string) => name },
    assertLeader: () => {},
    signal: new AbortController().signal,
  } as unknown as Hands;
  const decided = {
    observation: { observed: { servers } },
    knowledge: { cluster: { nodes: new Map(names.map((name) => [name, {}])) } },
  } as unknown as Decided;
  // The order of a list says nothing about who leads.
  return endPods(hands, decided, { pods: pods.reverse() } as unknown as Workload);
}
