import type { ServerEvidence } from "../../health/server-evidence.ts";
import type { ModelService } from "../../manifests/model-service/resource.ts";
import type { GatewayAnswer } from "../stack-status.ts";
import type { TokenFlow } from "./flow.ts";

/** What one gateway replica said, and how long ago. */
export interface GatewaySeen {
  answer: GatewayAnswer & { gapMs: number | null };
  agoMs: number;
}

/** The record of a drill or of a failover, as far as a line shows it. */
export interface DrillNote {
  name: string;
  scenario: string;
  victim: string | null;
  by: string;
  /** ISO 8601. */
  startedAt: string;
  /** Null while it runs. */
  result: string | null;
  /** The longest time that a client waited for its next token. */
  gapSeconds: number | null;
}

/** All that a replica of the reconciler, or `tandem top`, knows at one moment. */
export interface DashboardSources {
  stack: string;
  /** Whoever shows it: the name of a replica. */
  by: string;
  /** Wall clock, milliseconds since the epoch. */
  wallMs: number;
  /** The clock of `evidence` and `flow`. */
  monoMs: number;
  /** An Error where it cannot be read. */
  service: ModelService | Error;
  /** Since the API server answered last, milliseconds: `service` is of then. */
  apiAgoMs: number;
  /** By URL; null for one that was never heard, or too long ago. */
  gateways: Readonly<Record<string, GatewaySeen | null>>;
  evidence: ReadonlyMap<string, ServerEvidence>;
  flow: TokenFlow;
  /** Newest first. */
  drills: readonly DrillNote[];
}
