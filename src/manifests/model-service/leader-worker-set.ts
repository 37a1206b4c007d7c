import type { Manifest } from "../manifest.ts";
import { ENGINE_NAME, GROUP_LABEL, PART_OF, STACK_LABEL } from "../names.ts";
import { GROUP_NOTES, MODEL_SERVICE, type ModelService } from "./resource.ts";

interface PodTemplate {
  metadata: { labels: Record<string, string> };
  spec: { nodeSelector?: Record<string, string>; [field: string]: unknown };
}

interface Template {
  leaderWorkerTemplate: { leaderTemplate: PodTemplate; workerTemplate: PodTemplate; [field: string]: unknown };
  [field: string]: unknown;
}

/**
 * The LeaderWorkerSet of one group: one object per group, never replicas of one object, as a group must be stopped, rebuilt
 * and named by itself. Its pods go to the servers that carry the group's label, and name none. A ModelService that was read
 * from the cluster owns it, so that it goes with it.
 *
 * @param replicas 0 keeps the object and ends its pods: LeaderWorkerSet then makes none anew
 * @throws Error for a group that the ModelService does not have
 */
export function leaderWorkerSetOf(
  service: Pick<ModelService, "metadata" | "spec">,
  groupId: string,
  replicas: 0 | 1 = 1,
): Manifest {
  const { metadata, spec } = service;
  const group = spec.groups.find(({ id }) => id === groupId);
  if (group === undefined) throw new Error(`ModelService ${metadata.name} has no group ${groupId}`);
  const { leaderWorkerTemplate, ...rest } = structuredClone(spec.template) as Template;
  const { leaderTemplate, workerTemplate, ...policy } = leaderWorkerTemplate;
  return {
    apiVersion: "leaderworkerset.x-k8s.io/v1",
    kind: "LeaderWorkerSet",
    metadata: {
      name: group.workload,
      ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
      labels: {
        ...ENGINE_NAME,
        ...PART_OF,
        [STACK_LABEL]: metadata.labels?.[STACK_LABEL] ?? metadata.name,
        [GROUP_LABEL]: group.id,
      },
      annotations: { [GROUP_NOTES.revision]: spec.revision },
      ...(metadata.uid === undefined ? {} : { ownerReferences: [ownedBy(metadata.name, metadata.uid)] }),
    },
    spec: {
      replicas,
      ...rest,
      leaderWorkerTemplate: {
        ...policy,
        size: group.size,
        leaderTemplate: onServersOf(group.id, leaderTemplate),
        workerTemplate: onServersOf(group.id, workerTemplate),
      },
    },
  };
}

function onServersOf(group: string, { metadata, spec }: PodTemplate): PodTemplate {
  return {
    metadata: { ...metadata, labels: { ...metadata.labels, [GROUP_LABEL]: group } },
    spec: { ...spec, nodeSelector: { ...spec.nodeSelector, [GROUP_LABEL]: group } },
  };
}

/** Foreground deletion of the ModelService waits for the group's pods: a destroyed stack leaves none behind. */
function ownedBy(name: string, uid: string): object {
  return { ...MODEL_SERVICE, name, uid, controller: true, blockOwnerDeletion: true };
}
