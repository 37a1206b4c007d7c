import type { PhaseName, ScenarioName } from "../../report/drill.ts";
import type { FaultClass } from "../../report/rehearsal.ts";
import { FAULT_SENTENCES } from "../../report/timeline.ts";

/** One thing that an arena can do to a server, to a gateway, or to nobody in particular. */
export type Cause =
  | FaultClass
  | "gpu-lost"
  | "ecc-storm"
  | "ib-down"
  | "slow-server"
  | "gateway-kill"
  | "switchover"
  | "api-server-down"
  | "reconciler-kill"
  | "bad-release";

export interface Step {
  cause: Cause;
  /** Whom it hits: a server of the group that serves, of one that stands by, a replica of the gateway, or nobody. */
  on: "active" | "standby" | "gateway" | "nobody";
  /** Of a second fault: it is undone after so long, while the first one lasts. */
  lastsMs?: number;
}

/**
 * What must be true of streams and traffic for the drill to pass.
 * `carried`: traffic leaves the group, every stream goes on. `stays`: nothing moves, nobody notices.
 * `planned`: new requests go elsewhere, running ones end where they are. `twice`: two groups fail one after the other.
 * `held`: traffic leaves the group, then nobody can serve for a while, and every stream goes on where it was moved to.
 * `replica`: streams of the replica that dies may break, all others and all new ones are whole.
 */
export type Outcome = "carried" | "stays" | "planned" | "twice" | "held" | "replica";

/** A drill as data: what happens, whom it can hurt, and what it may cost. */
export interface Scenario {
  name: ScenarioName;
  /** One sentence for `tandem drill list`. */
  summary: string;
  /** What is at risk, said before it starts; SERVER and GROUP are filled in. */
  blastRadius: string;
  /** It takes a server, or a part of one, out of service: needs a flag, and on a terminal the server's name. */
  destructive: boolean;
  steps: readonly [Step, ...Step[]];
  outcome: Outcome;
  /** What the gateway's reason must say, where the class is known by it. */
  reason?: RegExp;
  /** Seconds; phases without a budget are shown and not judged. */
  budgets: Partial<Record<PhaseName, number>>;
  /** The arenas that can do it. */
  arenas: readonly ("rehearsal" | "cluster")[];
}

/** The fault as a headline: `gpu-b LOSES POWER`. */
export function faultWords({ summary }: Scenario, { cause, on }: Step, victim: string): string {
  if (on === "nobody") return summary;
  const words = cause in FAULT_SENTENCES ? FAULT_SENTENCES[cause as FaultClass].toUpperCase() : null;
  return words === null ? `${victim}: ${summary}` : `${victim} ${words}`;
}
