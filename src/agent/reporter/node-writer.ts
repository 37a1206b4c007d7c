import type { Finding } from "../../health/finding.ts";
import type { KubeClient } from "../../kube/client.ts";
import { CONDITION_TYPE, camelCase, type NodeCondition } from "./condition.ts";

export interface NodeWriter {
  writeCondition(condition: NodeCondition): Promise<void>;
  writeEvent(finding: Finding): Promise<void>;
}

/** Kubernetes keeps events of nodes in this namespace. */
const EVENT_NAMESPACE = "default";
const COMPONENT = "tandem-agent";
const TIMEOUT_MS = 5_000;

interface Present {
  type: string;
  status: string;
  lastTransitionTime?: string;
}

/** Writes what an agent found to its Node: one condition, and an Event for each finding. */
export function nodeWriter(client: KubeClient, node: string, signal: AbortSignal): NodeWriter {
  const path = `/api/v1/nodes/${encodeURIComponent(node)}`;
  let written: Present | undefined;
  /** What a reporter before this one wrote: a start of ours changes nothing about the server. */
  const present = async (): Promise<Present | undefined> => {
    const { status } = await client.json<{ status?: { conditions?: Present[] } }>({
      method: "GET",
      path,
      timeoutMs: TIMEOUT_MS,
      signal,
    });
    return status?.conditions?.find(({ type }) => type === CONDITION_TYPE);
  };
  return {
    async writeCondition(condition) {
      written ??= await present();
      const now = new Date().toISOString();
      const since = written?.status === condition.status ? (written.lastTransitionTime ?? now) : now;
      const next = { ...condition, lastHeartbeatTime: now, lastTransitionTime: since };
      await client.json({
        method: "PATCH",
        path: `${path}/status`,
        // Conditions are merged by their type, so those of others stay as they are.
        contentType: "application/strategic-merge-patch+json",
        body: { status: { conditions: [next] } },
        timeoutMs: TIMEOUT_MS,
        signal,
      });
      written = next;
    },
    async writeEvent({ code, subject, reason, moves }) {
      const now = new Date().toISOString();
      await client.json({
        method: "POST",
        path: `/api/v1/namespaces/${EVENT_NAMESPACE}/events`,
        body: {
          apiVersion: "v1",
          kind: "Event",
          metadata: { generateName: `${node}.tandem-`, namespace: EVENT_NAMESPACE },
          // kubelet refers to its node by name in place of the uid, and so `kubectl describe node` finds them.
          involvedObject: { apiVersion: "v1", kind: "Node", name: node, uid: node },
          reason: camelCase(code),
          message: `${subject}: ${reason}`.slice(0, 1_000),
          type: moves === "never" ? "Normal" : "Warning",
          source: { component: COMPONENT, host: node },
          firstTimestamp: now,
          lastTimestamp: now,
          count: 1,
        },
        timeoutMs: TIMEOUT_MS,
        signal,
      });
    },
  };
}
