import type { Arena, Injected } from "../arena.ts";
import type { RepairOf, RepairWatch } from "../cluster/repair-watch.ts";
import type { Front } from "../front.ts";
import type { Cause } from "./scenario.ts";

/** What a gateway has decided, with all that it was decided on (`GET /decisions` of its admin port). */
export interface GatewayDecisions {
  timing: unknown;
  decisions: readonly RecordedDecision[];
}

export interface RecordedDecision {
  wallMs: number;
  changed: boolean;
  view: unknown;
  choice: {
    kind: string;
    group?: string;
    reason: string;
    suspicions: { group: string; state: string; reason: string }[];
  };
}

/** Where the evidence of a server can be heard. */
export interface AgentAddress {
  server: string;
  url: string;
  token: string;
}

/** Whether a failover would work now, and if not, why: one line a reason. */
export interface Readiness {
  active: string | null;
  against: string[];
}

/** Done to somebody, and how to undo it; an arena that is taken away with everything in it need not undo. */
export interface Caused extends Injected {
  /** It ends by itself after so long, and not before. */
  lastsMs?: number;
  undo(): Promise<void>;
  /** Resolves when it has had its effect, where that takes longer than answers do: undone before, it would have tested nothing. */
  shown?(): Promise<boolean>;
}

/** One way in for clients. */
export interface Entry {
  name: string;
  /** An OpenAI base URL, ending in `/v1`. */
  baseUrl: string;
  apiKey?: string;
}

/** Where drills run: processes of this machine, or a cluster. */
export interface DrillArena extends Arena {
  readonly kind: "rehearsal" | "cluster";
  readonly front: Front;
  /** Entries of the gateway one by one, for drills that hit one of them. */
  readonly replicas: readonly Entry[];
  readonly agents: readonly AgentAddress[];
  /** How long a server and its engine may take to come back; `LOCAL_PATIENCE_MS` if left out. */
  readonly patienceMs?: number;
  /** Why it cannot be done here; left out where all can. */
  obstacle?(cause: Cause, victim: string): string | null;
  /** The server whose replica of the gateway clients reach now; left out where replicas are on no server that a drill hits. */
  entryServer?(): Promise<string | null>;
  /** Asks now; an arena that cannot be asked throws. */
  readiness(): Promise<Readiness>;
  /** Empty on an arena whose gateway does not tell. */
  decisions(sinceWallMs: number): Promise<GatewayDecisions>;
  cause(cause: Cause, victim: string, random: () => number): Promise<Caused>;
  /** What the reconciler does about a fault; left out where there is none. */
  followRepair?(of: RepairOf): RepairWatch;
  versions(): Promise<Record<string, string>>;
}
