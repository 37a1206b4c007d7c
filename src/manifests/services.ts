import type { GroupPlan, ServingPlan } from "../plan/serving-plan.ts";
import type { Manifest } from "./manifest.ts";
import {
  ACTIVE_SERVICE,
  GROUP_LABEL,
  groupLabels,
  LWS_NAME_LABEL,
  LWS_WORKER_INDEX_LABEL,
  stackLabels,
} from "./names.ts";

/** Reaches the leader of one group, whatever its role. Workers answer 200 on `/health` and serve nothing. */
export function leaderService(plan: ServingPlan, group: GroupPlan): Manifest {
  return service(plan, group.serviceName, groupLabels(plan, group), { [LWS_NAME_LABEL]: group.workloadName });
}

/**
 * Reaches the leader of the active group. Its `tandem.dev/group` selector is what a switchover moves; here it is the
 * group that the spec starts with. Streams that run on the old leader are not carried over by a Service.
 */
export function activeService(plan: ServingPlan, active: GroupPlan): Manifest {
  const manifest = service(plan, ACTIVE_SERVICE, stackLabels(plan), { ...stackLabels(plan), [GROUP_LABEL]: active.id });
  // `kubectl describe service active` says it to whoever points a client here instead of at the gateway.
  const note =
    "Streams that run on a group that fails are lost to clients of this Service; the gateway carries them on.";
  return { ...manifest, metadata: { ...manifest.metadata, annotations: { "tandem.dev/note": note } } };
}

function service(
  plan: ServingPlan,
  name: string,
  labels: Record<string, string>,
  selector: Record<string, string>,
): Manifest {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: plan.namespace, labels },
    spec: {
      type: "ClusterIP",
      selector: { ...selector, [LWS_WORKER_INDEX_LABEL]: "0" },
      ports: [{ name: "http", port: plan.ports.http, targetPort: "http", protocol: "TCP" }],
    },
  };
}
