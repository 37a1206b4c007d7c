import type { ServingPlan } from "../plan/serving-plan.ts";
import type { EngineRole } from "./engine-container.ts";

/**
 * Succeeds while `$1` rank processes of this server live. A worker's `/health` says 200 for ever once it has loaded, and
 * with plain TP nothing in SGLang watches its ranks. Builtins of any sh alone, so that it costs one process.
 */
export const RANKS_ALIVE = `cd /proc; ranks=0
for title in [0-9]*/cmdline; do
  words=; { read -r words < "$title"; } 2> /dev/null
  case $words in sglang::scheduler*) ranks=$((ranks + 1)) ;; esac
done
[ "$ranks" -ge "$1" ]`;

/** Kubelet keeps asking and never acts: the largest failureThreshold that the API takes (int32). */
const NEVER = 2_147_483_647;

/**
 * Start-up asks `/health` of every rank's server: on a worker it answers once the local ranks are loaded, on the leader
 * once a token came out of all of them. Readiness asks `/ready` of the leader alone (a worker has no such path): it
 * answers at once, but repeats what the last `/health` call found, so something must keep calling `/health`. That is
 * the liveness probe's only work here. A worker is ready while all its ranks live. No probe restarts anything after the
 * start: a restart reloads 690 GB, and whether a group that stopped answering is rebuilt is decided once, on evidence,
 * by the reconciler and not a second time by kubelet.
 */
export function engineProbes(plan: ServingPlan, role: EngineRole): Record<string, object> {
  const { startup, leaderReadiness } = plan.probes;
  const get = (path: string) => ({ httpGet: { path, port: "http", scheme: "HTTP" } });
  const startupProbe = { ...get("/health"), ...startup, successThreshold: 1 };
  if (role === "worker") return { startupProbe, readinessProbe: ranksAlive(plan.gpusPerServer) };
  return {
    startupProbe,
    readinessProbe: { ...get("/ready"), ...leaderReadiness, successThreshold: 1 },
    livenessProbe: {
      ...get("/health"),
      periodSeconds: 10,
      failureThreshold: NEVER,
      // SGLang itself gives up after 20 s; a shorter limit here would cut off its answer.
      timeoutSeconds: startup.timeoutSeconds,
      successThreshold: 1,
    },
  };
}

// It moves no traffic (no Service selects a worker) and restarts nothing: it makes `kubectl get pods` tell the truth.
function ranksAlive(ranks: number): object {
  return {
    exec: { command: ["/bin/sh", "-c", RANKS_ALIVE, "ranks-alive", String(ranks)] },
    periodSeconds: 10,
    failureThreshold: 1,
    timeoutSeconds: 5,
    successThreshold: 1,
  };
}
