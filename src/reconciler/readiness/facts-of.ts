import type { GroupFacts, PodFacts, ReadinessFacts } from "../../failover/readiness/facts.ts";
import { type ServerEvidence, unheard } from "../../health/server-evidence.ts";
import type { LiveObject } from "../../kube/objects.ts";
import type { ModelServiceGroup } from "../../manifests/model-service/resource.ts";
import { LWS_WORKER_INDEX_LABEL } from "../../manifests/names.ts";
import type { ClusterSnapshot } from "../cluster.ts";
import { isReady, nodeOf, workloadOf } from "../observe/workload.ts";
import type { ClockOffsets } from "./clock-offsets.ts";

export interface FactsInput {
  cluster: ClusterSnapshot;
  /** With what was done about it (`withTreatments`), as verdicts are made on it. */
  evidence: ReadonlyMap<string, ServerEvidence>;
  offsets: ClockOffsets;
  active: string;
  /** On the clock of the evidence. */
  atMs: number;
}

/** What the prober proves, from what the reconciler knows: the active group, and the first other one. */
export function factsOf(input: FactsInput): ReadinessFacts | null {
  const { groups } = input.cluster.service.spec;
  const active = groups.find(({ id }) => id === input.active);
  if (active === undefined) return null;
  const standby = groups.find(({ id }) => id !== input.active);
  return {
    atMs: input.atMs,
    active: groupFacts(active, input),
    standby: standby === undefined ? null : groupFacts(standby, input),
  };
}

function groupFacts(group: ModelServiceGroup, { cluster, evidence, offsets }: FactsInput): GroupFacts {
  const { spec } = cluster.service;
  const { pods, members, notes } = workloadOf(cluster, group);
  const leader = nodeOf(pods.find((pod) => indexOf(pod) === 0));
  return {
    id: group.id,
    revision: notes.revision ?? spec.revision,
    engine: leader === undefined ? null : (spec.servers[leader]?.engine ?? null),
    servers: members.map((name) => ({
      evidence: evidence.get(name) ?? unheard(name),
      clockAheadMs: offsets.aheadMs(name),
    })),
    pods: pods.map(podFacts).sort((a, b) => a.index - b.index),
  };
}

const indexOf = ({ metadata }: LiveObject) => Number(metadata.labels?.[LWS_WORKER_INDEX_LABEL] ?? Number.NaN);

interface PodShape {
  spec?: { nodeName?: string; containers?: { name: string; image?: string; args?: string[] }[] };
  status?: { containerStatuses?: { name: string; imageID?: string }[] };
}

function podFacts(pod: LiveObject): PodFacts {
  const { spec, status } = pod as LiveObject & PodShape;
  const [container] = spec?.containers ?? [];
  const run = status?.containerStatuses?.find(({ name }) => name === container?.name);
  return {
    name: pod.metadata.name,
    uid: pod.metadata.uid ?? "",
    server: spec?.nodeName ?? null,
    index: indexOf(pod),
    ready: isReady(pod) && pod.metadata.deletionTimestamp === undefined,
    image: container?.image ?? "",
    imageId: run?.imageID === undefined || run.imageID === "" ? null : run.imageID,
    args: container?.args ?? [],
  };
}
