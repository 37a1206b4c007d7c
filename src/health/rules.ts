import { DEFAULT_RULES, type IncidentRules } from "./incidents.ts";
import type { Remedy } from "./remedy.ts";

/** Every threshold of the health rules, with its source or the word "ours" and why. */
export interface HealthRules extends IncidentRules {
  /** Silence after which we say that we do not hear a server: two beats of 250 ms and the jitter of a busy machine (ours, measured: 275 ms). */
  blindAfterMs: number;
  /** How old a gateway's word about a server may be, besides its silence: it is asked twice a second. Ours, with room. */
  witnessLagMs: number;
  /** A fresh observer has heard everybody who can be heard by then: connections are tried for 1 s. Ours: twice. */
  firstWordWithinMs: number;
  /** A connection that ends within this time after a frame was closed by the agent, which a server without power cannot do. */
  closedAtOnceMs: number;
  /** The engine's tokens may rest this long while requests wait; the plan raises it to three of its longest steps (design: 5 s). */
  noProgressAfterMs: number;
  /** The engine answers nobody while its processes live. Ours: the agent's own time-out passes once or twice first. */
  unreachableAfterMs: number;
  /** A stopped process (`T`, or frozen) may be somebody's debugger for a moment. Ours: as long as silence. */
  rankStoppedAfterMs: number;
  /** A port that is down. NCCL's queue pairs retry for seconds before they fail; ours: longer than a re-train of the link. */
  portDownAfterMs: number;
  /** Downs that make a port a flapping one, and the quiet that ends it. Ours: one pulled cable is one down. */
  flapDowns: number;
  flapClearMs: number;
  /** Throttling shorter than this is a fan that spins up. Ours. */
  throttleAfterMs: number;
  /** A narrow PCIe link; re-training passes through narrow states. Ours. */
  narrowAfterMs: number;
  /** A monitor that gives nothing. `nvidia-smi` takes seconds on a busy driver; ours: several of its time-outs. */
  monitorHungAfterMs: number;
  /** The word of others about a node is late and may be about something that we do not use. Ours. */
  conditionAfterMs: number;
  /** A token that comes so long after a process is said to end was not under way then: an agent tells twice a second. Ours. */
  outlivedAfterMs: number;
  /** Below this share of its own rate, for this long, a group is slow. Ours: a prefill stall of 4 s must pass unnoticed. */
  slowBelow: number;
  slowAfterMs: number;
  /** Samples of a rate before it is a baseline. Ours. */
  baselineSamples: number;
  /** An XID that is only watched is shown this long. Ours. */
  watchForMs: number;
  /** Ranks of one group that end within this time ended for one reason: siblings follow 0.1 s after the first (measured with NCCL and Gloo), ours with room. */
  propagationMs: number;
}

/** The rules with what the spec overrides and what the plan expects of one step of the engine. */
export function healthRules(xids: Readonly<Record<string, Remedy>>, longestStepMs: number): HealthRules {
  const { noProgressAfterMs } = DEFAULT_HEALTH_RULES;
  return {
    ...DEFAULT_HEALTH_RULES,
    overrides: xids,
    noProgressAfterMs: Math.max(noProgressAfterMs, 3 * longestStepMs),
  };
}

/** What two that hear the same server may differ by in when they heard it last: one polls the other. */
export function witnessMarginMs({
  blindAfterMs,
  witnessLagMs,
}: Pick<HealthRules, "blindAfterMs" | "witnessLagMs"> = DEFAULT_HEALTH_RULES): number {
  return blindAfterMs + witnessLagMs;
}

export const DEFAULT_HEALTH_RULES: HealthRules = {
  ...DEFAULT_RULES,
  blindAfterMs: 600,
  witnessLagMs: 1_000,
  firstWordWithinMs: 3_000,
  closedAtOnceMs: 400,
  noProgressAfterMs: 5_000,
  unreachableAfterMs: 3_000,
  rankStoppedAfterMs: 600,
  portDownAfterMs: 2_000,
  flapDowns: 3,
  flapClearMs: 600_000,
  throttleAfterMs: 30_000,
  narrowAfterMs: 60_000,
  monitorHungAfterMs: 60_000,
  conditionAfterMs: 30_000,
  outlivedAfterMs: 2_000,
  slowBelow: 0.6,
  slowAfterMs: 30_000,
  baselineSamples: 30,
  watchForMs: 3_600_000,
  propagationMs: 1_000,
};
