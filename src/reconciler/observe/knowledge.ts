import type { GatewayReport } from "../../failover/observed.ts";
import type { GroupVerdict } from "../../health/group-verdict.ts";
import type { ServerEvidence } from "../../health/server-evidence.ts";
import type { ServerVerdict } from "../../health/server-verdict.ts";
import type { GroupTraffic, Witness } from "../../health/silence.ts";
import type { ClusterSnapshot } from "../cluster.ts";
import type { Moment } from "./clock.ts";
import type { Seen } from "./first-seen.ts";

/** What this process knows when it decides, from all its sources. */
export interface Knowledge {
  moment: Moment;
  holdsLease: boolean;
  cluster: ClusterSnapshot;
  evidence: ReadonlyMap<string, ServerEvidence>;
  /** Since when this process listens: a server that it has never heard is silent since then. */
  listeningSinceMs: number;
  traffic: ReadonlyMap<string, GroupTraffic>;
  gateways: readonly GatewayReport[];
  /** What the gateways hear of each server. */
  witnesses: ReadonlyMap<string, Witness>;
  /** When a gateway had a token of each group last. */
  answered: ReadonlyMap<string, number>;
  /** Requests in the hands of each group, by the word of the gateways. */
  requests: ReadonlyMap<string, number>;
  /** What the BMC of a server in quarantine said last, and when. */
  power: ReadonlyMap<string, { power: "on" | "off"; atMs: number }>;
  /** Servers whose BMC did not do as asked a moment ago: what needs it waits, and a person is told. */
  bmcAway: ReadonlySet<string>;
  /** When each server came into quarantine. The record's own time is of another computer's clock, which may be wrong. */
  isolations: ReadonlyMap<string, Seen>;
  /** When each server was last treated, its power was last asked to be cut, and it passed its checks, in the same way. */
  treatments: ReadonlyMap<string, Seen>;
  powerOffs: ReadonlyMap<string, Seen>;
  validations: ReadonlyMap<string, Seen>;
  /** When each group was last started or stopped, as its note says in the same way. */
  runs: ReadonlyMap<string, Seen>;
  /** The verdicts before these; their first bad moments are kept. */
  previous: Verdicts;
  /** Whether a group could take over now, by whoever proves that; null where nobody has yet. */
  takeover(group: string): { ready: boolean; reason: string } | null;
}

export interface Verdicts {
  servers: ReadonlyMap<string, ServerVerdict>;
  groups: ReadonlyMap<string, GroupVerdict>;
}

export const NO_VERDICTS: Verdicts = { servers: new Map(), groups: new Map() };
