import type { Model } from "./catalogue.ts";
import type { ProbePlan } from "./serving-plan.ts";

/** Slowest disk that we still wait for: 1 GB/s, a third of one NVMe drive, because all ranks read at once. */
const SLOWEST_READ_GB_PER_SECOND = 1;
/** DeepGEMM compiles its kernels on the first start: up to 30 min in SGLang's docs. */
const KERNEL_COMPILATION_SECONDS = 1800;
/** Rendezvous, graph capture (85 s logged on 2×8 H20), warm-up. */
const OTHER_START_SECONDS = 300;
/** A first start is never given less than 45 minutes. */
const LEAST_START_SECONDS = 2700;
/** Streams in flight may end before the leader goes. */
const DRAIN_SECONDS = 120;

/**
 * Probe and grace times from the time a load takes. `/health` sends a real request and answers within 20 s, so its
 * probe waits 22; during the load it says 503 at once, so asking every 2 s costs nothing and notices readiness early.
 */
export function probePlan(model: Model): ProbePlan {
  const startSeconds = Math.max(
    LEAST_START_SECONDS,
    Math.ceil(model.checkpointGB / SLOWEST_READ_GB_PER_SECOND) + KERNEL_COMPILATION_SECONDS + OTHER_START_SECONDS,
  );
  const periodSeconds = 2;
  return {
    startup: { periodSeconds, failureThreshold: Math.ceil(startSeconds / periodSeconds), timeoutSeconds: 22 },
    leaderReadiness: { periodSeconds: 2, failureThreshold: 2, timeoutSeconds: 3 },
    leaderTerminationGraceSeconds: DRAIN_SECONDS + 20,
    // Workers leave on the leader's broadcast; one that went first would cut the leader's drain short.
    workerTerminationGraceSeconds: DRAIN_SECONDS + 30,
    unreachableTolerationSeconds: 30,
  };
}
