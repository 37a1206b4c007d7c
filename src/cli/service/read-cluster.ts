import { TandemError } from "../../errors.ts";
import { isNotFound } from "../../kube/errors.ts";
import type { LiveObject } from "../../kube/objects.ts";
import type { ModelService } from "../../manifests/model-service/resource.ts";
import { RECONCILER_LEASE } from "../../manifests/names.ts";
import { type Clock, type Leadership, type LeaseSpec, leadershipOf } from "../../report/leadership.ts";
import { type ServiceAccess, type ServiceOptions, withService } from "./access.ts";
import { readService } from "./follow.ts";
import { kubeTrouble } from "./kube-trouble.ts";

/** A person waits for this: an API server that needs longer is as good as away. */
const LIMIT_MS = 3_000;

/** What the API server knows of a stack; an Error for each part that could not be read, which says why. */
export interface ClusterWord {
  service: ModelService | Error;
  lease: Leadership | Error;
}

/** Reads the ModelService and who leads. Never throws: neither needs the other, and a status needs neither. */
export async function readCluster(options: ServiceOptions): Promise<ClusterWord> {
  const limit = AbortSignal.timeout(LIMIT_MS);
  const trouble = (error: unknown): Error => {
    if (limit.aborted) return new Error(`the API server does not answer within ${LIMIT_MS / 1_000} s`);
    return error instanceof TandemError ? new Error(`${error.what}: ${error.why}`) : (error as Error);
  };
  return withService(options, async (access) => {
    const [service, lease] = await Promise.all([
      readService(access, limit).catch(trouble),
      readLeadership(access, limit).catch(trouble),
    ]);
    return { service, lease };
  }).catch((error: unknown) => ({ service: trouble(error), lease: trouble(error) }));
}

/**
 * Compared with the time that the API server's own answer carries; only where it carries none (a proxy may take it away) with
 * this computer's.
 */
async function readLeadership(access: ServiceAccess, signal: AbortSignal): Promise<Leadership> {
  const { client, namespace } = access;
  let serverMs: number | null = null;
  try {
    const { spec } = await client.json<LiveObject>({
      method: "GET",
      path: `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/${RECONCILER_LEASE}`,
      signal,
      onClock: (wallMs) => {
        serverMs = wallMs;
      },
    });
    const clock: Clock =
      serverMs === null ? { wallMs: Date.now(), of: "this-computer" } : { wallMs: serverMs, of: "api-server" };
    return leadershipOf(namespace, (spec ?? {}) as LeaseSpec, clock);
  } catch (error) {
    signal.throwIfAborted();
    if (isNotFound(error)) throw new Error(`there is no lease ${RECONCILER_LEASE} in namespace ${namespace}`);
    throw kubeTrouble(error, access, "see who looks after");
  }
}
