import { TandemError } from "../errors.ts";
import { progressOf } from "../manifests/model-service/progress.ts";
import type { ModelService } from "../manifests/model-service/resource.ts";
import type { LiveObject } from "./objects.ts";
import type { Check } from "./wait.ts";

interface Condition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
}

/** Gone, dependents included. */
export const isGone: Check = (object) =>
  object === null ? { ok: true } : { ok: false, why: `being deleted${finalizers(object)}` };

/**
 * Is an object doing its work? Per kind what Kubernetes itself reports; kinds without a status are ready when stored.
 * A status about an older generation does not count.
 */
export const isReady: Check = (object) => {
  if (object === null) return { ok: false, why: "it does not exist" };
  const status = (object.status ?? {}) as Record<string, unknown>;
  const spec = (object.spec ?? {}) as Record<string, unknown>;
  const count = (field: string): number => Number(status[field] ?? 0);
  const observed = status.observedGeneration;
  if (typeof observed === "number" && observed < (object.metadata.generation ?? 0)) {
    return { ok: false, why: "its controller has not seen the change yet" };
  }
  switch (object.kind) {
    case "Deployment":
    case "StatefulSet": {
      const wanted = Number(spec.replicas ?? 1);
      const field = object.kind === "Deployment" ? "availableReplicas" : "readyReplicas";
      if (count("updatedReplicas") >= wanted && count(field) >= wanted) return { ok: true };
      return { ok: false, why: `${count(field)} of ${wanted} replicas ready` };
    }
    case "DaemonSet": {
      const wanted = count("desiredNumberScheduled");
      if (observed !== undefined && count("updatedNumberScheduled") >= wanted && count("numberReady") >= wanted) {
        return { ok: true };
      }
      return { ok: false, why: `ready on ${count("numberReady")} of ${wanted} nodes` };
    }
    case "LeaderWorkerSet": {
      const wanted = Number(spec.replicas ?? 1);
      if (count("readyReplicas") >= wanted) return { ok: true };
      return { ok: false, why: `${count("readyReplicas")} of ${wanted} groups ready` };
    }
    case "ModelService":
      return served(object);
    case "CustomResourceDefinition":
      return conditionIs(status, "Established");
    case "Node":
      return conditionIs(status, "Ready");
    case "Namespace":
      return status.phase === "Active" ? { ok: true } : { ok: false, why: `phase ${status.phase ?? "unknown"}` };
    default:
      return { ok: true };
  }
};

/** @throws TandemError E_MODEL_SERVICE when it will not get there by itself: waiting on would only hide that */
function served(object: LiveObject): ReturnType<Check> {
  const progress = progressOf(object as unknown as ModelService);
  if (progress.state === "there") return { ok: true };
  if (progress.state === "under way") return { ok: false, why: progress.why };
  throw new TandemError({
    code: "E_MODEL_SERVICE",
    what: `ModelService ${object.metadata.name} does not get to what its spec asks for`,
    why: progress.why,
    fix: progress.fix ?? `see: kubectl describe modelservice ${object.metadata.name} -n ${object.metadata.namespace}`,
  });
}

function conditionIs(status: Record<string, unknown>, type: string): ReturnType<Check> {
  const condition = ((status.conditions ?? []) as Condition[]).find((candidate) => candidate.type === type);
  if (condition?.status === "True") return { ok: true };
  const why = condition ? (condition.message ?? condition.reason ?? condition.status) : "nothing reported yet";
  return { ok: false, why: `not ${type}: ${why}` };
}

function finalizers(object: LiveObject): string {
  const names = object.metadata.finalizers;
  return Array.isArray(names) && names.length > 0 ? `, waiting for ${names.join(", ")}` : "";
}
