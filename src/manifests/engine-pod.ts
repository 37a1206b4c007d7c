import type { ServingPlan } from "../plan/serving-plan.ts";
import { type EngineRole, engineContainer } from "./engine-container.ts";
import { engineVolumes } from "./engine-volumes.ts";
import { ENGINE_ACCOUNT, ENGINE_NAME, priorityClassName, stackLabels } from "./names.ts";

/**
 * Pod template of one role, the same for every group: `leaderWorkerSetOf` adds the label and the servers of one. Leader and
 * worker differ in their probes, their last seconds and the value that LeaderWorkerSet gives LWS_WORKER_INDEX, and in
 * nothing else: ranks that differ more do not find each other.
 */
export function enginePodTemplate(plan: ServingPlan, role: EngineRole): object {
  const { leaderTerminationGraceSeconds, workerTerminationGraceSeconds } = plan.probes;
  return {
    metadata: { labels: { ...ENGINE_NAME, ...stackLabels(plan), "app.kubernetes.io/component": role } },
    spec: {
      serviceAccountName: ENGINE_ACCOUNT,
      automountServiceAccountToken: false,
      // Service links would add SGLANG_… variables for our own Services, in the engine's own namespace of settings.
      enableServiceLinks: false,
      priorityClassName: priorityClassName(plan),
      hostNetwork: true,
      dnsPolicy: "ClusterFirstWithHostNet",
      // As PID 1 SGLang ignores SIGTERM while it loads and survives its own SIGKILL; the pause container is PID 1 instead.
      shareProcessNamespace: true,
      restartPolicy: "Always",
      terminationGracePeriodSeconds: role === "leader" ? leaderTerminationGraceSeconds : workerTerminationGraceSeconds,
      tolerations: engineTolerations(plan.probes.unreachableTolerationSeconds),
      containers: [engineContainer(plan, role)],
      volumes: engineVolumes(plan).map(({ volume }) => volume),
    },
  };
}

// Admission adds 300 s to pods that say nothing: five minutes in which nobody even tries to move the group.
function engineTolerations(seconds: number): object[] {
  const lost = (key: string) => ({ key, operator: "Exists", effect: "NoExecute", tolerationSeconds: seconds });
  return [
    { key: "nvidia.com/gpu", operator: "Exists", effect: "NoSchedule" },
    lost("node.kubernetes.io/not-ready"),
    lost("node.kubernetes.io/unreachable"),
  ];
}
