import type { ServingPlan } from "../../plan/serving-plan.ts";
import { enginePodTemplate } from "../engine-pod.ts";

/** `spec` of a LeaderWorkerSet that fits every group of the plan; see `leaderWorkerSetOf` for what one group adds. */
export function engineTemplate(plan: ServingPlan): Record<string, unknown> {
  return {
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
      leaderTemplate: enginePodTemplate(plan, "leader"),
      workerTemplate: enginePodTemplate(plan, "worker"),
    },
  };
}
