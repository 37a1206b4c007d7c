import { DEFAULT_POLICY, type FailoverPolicy } from "../failover/observed.ts";
import type { ModelServiceSpec } from "../manifests/model-service/resource.ts";

/** The decider's limits for one ModelService: what its spec says, and the defaults for the rest. */
export function policyOf({ failover: { mode, maxPerHour, startWithinMs } }: ModelServiceSpec): FailoverPolicy {
  return { ...DEFAULT_POLICY, mode, maxPerHour, startWithinMs };
}
