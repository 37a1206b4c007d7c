import type { GroupPlan, ServingPlan } from "../plan/serving-plan.ts";
import { enginePodTemplate } from "./engine-pod.ts";
import type { Manifest } from "./manifest.ts";
import { groupLabels } from "./names.ts";

/** One object per group, never replicas of one object: a group must be stopped, rebuilt and named by itself. */
export function leaderWorkerSet(plan: ServingPlan, group: GroupPlan): Manifest {
  return {
    apiVersion: "leaderworkerset.x-k8s.io/v1",
    kind: "LeaderWorkerSet",
    metadata: { name: group.workloadName, namespace: plan.namespace, labels: groupLabels(plan, group) },
    spec: {
      replicas: 1,
      // LeaderReady deadlocks: the leader is ready only after every worker has joined.
      startupPolicy: "LeaderCreated",
      networkConfig: { subdomainPolicy: "Shared" },
      // There are no spare GPUs to start a second copy on, so a change replaces the group where it stands.
      rolloutStrategy: {
        type: "RollingUpdate",
        rollingUpdateConfiguration: { maxSurge: 0, maxUnavailable: 1, partition: 0 },
      },
      leaderWorkerTemplate: {
        // Counts the leader: two servers are size 2.
        size: plan.serversPerGroup,
        // A lost rank leaves the communicator unusable: all ranks or none. `AfterStart` so that a crash while another
        // server still pulls the image does not restart the pull.
        restartPolicy: "RecreateGroupAfterStart",
        leaderTemplate: enginePodTemplate(plan, group, "leader"),
        workerTemplate: enginePodTemplate(plan, group, "worker"),
      },
    },
  };
}
