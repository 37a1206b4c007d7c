import type { Remedy } from "../health/remedy.ts";

/** Everything that one decision is made on: one consistent snapshot, all times on one clock. It is recorded with the decision. */
export interface Observed {
  atMs: number;
  /** Since when the observer listens; missing where nobody knows. */
  listensSinceMs?: number;
  holdsLease: boolean;
  /** When the cluster was read. */
  snapshotAtMs: number;
  /** A person stopped the automation. */
  paused: { by: string } | null;
  epoch: number;
  active: string;
  /** What the gateways that are heard do now. */
  gateways: readonly GatewayReport[];
  groups: readonly GroupObserved[];
  servers: readonly ServerObserved[];
  /** Failovers of real faults; drills and planned moves are not in it. */
  failoversMs: readonly number[];
  /** When the word last went to another group, for whatever reason; missing where it never did. */
  movedMs?: number;
  /** The engine's revision (image, flags, model) that the spec asks for. */
  wantedRevision: string;
  /** A person asks for a planned move. */
  switchoverTo: string | null;
}

export interface GatewayReport {
  replica: string;
  /** The group it sends new requests to, and since when. */
  group: string;
  sinceMs: number;
  /** The last epoch it has acted on; a lower one means that it has not heard our last word, or does not follow it. */
  epoch: number;
}

export interface GroupObserved {
  id: string;
  /** How many servers it needs. */
  size: number;
  /** The servers that carry its label. */
  members: readonly string[];
  /** `stopped`: no replica is wanted. `starting`: wanted, not ready. */
  run: "stopped" | "starting" | "serving";
  runSinceMs: number;
  /** Pods that are still there although none is wanted. */
  podsLeft: number;
  verdict: VerdictObserved & { blamed: string | null; wantsSwitch: boolean };
  /** What the last fault follows (`src/health/follows.ts`). */
  follows: "server" | "workload" | "unknown";
  /** The group that ended in the same way before: what it runs with has not spared it. */
  twin?: string;
  /** Starts after a software crash. */
  restartsMs: readonly number[];
  revision: string;
  /** A revision that this group did not turn green with. */
  failedRevision: string | null;
  /** Its present crash is the one that its revision is given up for (`failed-revision.ts`). */
  isRevisionToBlame?: boolean;
  takeover: { ready: boolean; reason: string };
  /** When anybody had a token of it last; missing where nobody knows. */
  answeredMs?: number;
}

export interface VerdictObserved {
  state: "healthy" | "suspect" | "blind";
  sinceMs: number;
  remedy: Remedy | null;
  reason: string;
  /** False for a suspect that is not heard either: what it said before still stands. */
  heard?: boolean;
}

export interface ServerObserved {
  name: string;
  /** By its label; null is a spare, or a server that is being mended. */
  group: string | null;
  verdict: VerdictObserved;
  /** All that its agent had to tell when it was first heard has been heard; false also for one that was never heard. */
  told?: boolean;
  /** Kubernetes hears its kubelet; missing where nobody knows. */
  nodeReady?: boolean;
  /** Taken out of service by us, with what it needs before it may serve again. */
  quarantine: { sinceMs: number; remedy: Remedy } | null;
  /** Proven unable to act for its old group (`src/health/fenced.ts`). */
  fence: { fenced: boolean; reason: string };
  /** The taint that lets Kubernetes clean up after a machine that is off. */
  outOfService: boolean;
  bmc: boolean;
  power: "on" | "off" | "unknown";
  powerOffAskedMs: number | null;
  /**
   * The strongest thing that was done since the quarantine began, and when. `done`: it shows (another boot id, the reset's job
   * has ended); a server that is told to boot is heard well for a moment longer. Missing where nobody knows. `tries`: how often
   * in turn; missing is once.
   */
  treated: { remedy: Remedy; atMs: number; done?: boolean; tries?: number } | null;
  /** Passed its checks since it was treated. */
  validated: boolean;
  /** Checks that it failed since it was treated. */
  failedChecks?: number;
  /** A person cordoned it; we leave it alone. */
  reserved: boolean;
  /** It can serve, and a reset of its GPUs is due as soon as it does not; missing where none is. */
  resetDue?: boolean;
}

export interface FailoverPolicy {
  mode: "automatic" | "manual";
  /** Failovers per hour before automation stops and says so. */
  maxPerHour: number;
  /** A verdict holds this long before anything but traffic is touched. */
  confirmAfterMs: number;
  /** A fresh observer has heard by then whoever can be heard: until then half of the evidence is not judged. */
  firstWordWithinMs: number;
  /** A snapshot older than this is not acted on. */
  staleAfterMs: number;
  /** A member that neither we nor Kubernetes hear is given up after this time if its group does not serve. */
  lostAfterMs: number;
  /** A group that is to serve alone has answered within this time. */
  answersWithinMs: number;
  /** Gateways that disagree longer than this are settled. */
  settleAfterMs: number;
  /** A server that is heard may end its processes by itself in this time, before its power is cut. */
  emptyWithinMs: number;
  /** After this a person is told that a server is not fenced. */
  fenceWithinMs: number;
  /** Reset or reboot, until the server is heard well again. */
  treatWithinMs: number;
  /** A reset of its GPUs, until what it cures is no longer found. */
  resetWithinMs: number;
  /** The plan's load time with room. */
  startWithinMs: number;
  /** A group that was started for a change, until a failover to it is proved to work. */
  proveWithinMs: number;
  /** Starts after software crashes of one group per hour that follow at once; those after them are spaced. */
  maxRestarts: number;
  /** Between a start that is one too many and the next; doubles with each more, up to the second. */
  restartPauseMs: number;
  maxRestartPauseMs: number;
  /** Between planned moves for slowness. */
  cooldownMs: number;
}

export const HOUR_MS = 3_600_000;

/** Ours, except the first two (spec) and the load time (plan); fences within 15 s are the promise of the issue. */
export const DEFAULT_POLICY: FailoverPolicy = {
  mode: "automatic",
  maxPerHour: 2,
  confirmAfterMs: 3_000,
  firstWordWithinMs: 3_000,
  staleAfterMs: 5_000,
  lostAfterMs: 30_000,
  // An idle group is asked every 2 s, and we hear of the answer half a second later.
  answersWithinMs: 4_000,
  settleAfterMs: 2_000,
  emptyWithinMs: 5_000,
  fenceWithinMs: 15_000,
  treatWithinMs: 1_200_000,
  resetWithinMs: 60_000,
  startWithinMs: 1_800_000,
  // All rungs of the readiness ladder are looked at within a minute; a long prompt that gives way to traffic is asked again.
  proveWithinMs: 300_000,
  maxRestarts: 2,
  // Ours: short against a load of ten minutes, long against an engine that ends as soon as it is started.
  restartPauseMs: 60_000,
  maxRestartPauseMs: 600_000,
  cooldownMs: 1_800_000,
};
