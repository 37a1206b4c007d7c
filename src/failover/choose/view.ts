/**
 * What one gateway knows when it chooses a group. All times are on its watch clock: monotonic, and standing still while
 * the gateway itself was held up, so that a paused observer never takes its own sleep for silence of others.
 */
export interface GatewayView {
  atMs: number;
  /** The group that requests go to, or went to before the gateway began to hold them. */
  current: string;
  /** Unplanned moves of this gateway, oldest first. */
  moves: readonly Move[];
  /** The reconciler's word, and the highest epoch that this gateway has acted on. */
  word: Word | null;
  adoptedEpoch: number;
  /** Since when no group could be used; null while one can. */
  heldSinceMs: number | null;
  /** When `current` was taken although it was suspect, because it answered: older reasons against it do not count. */
  pardonedMs: number | null;
  /** Until when `current` may finish its first load though another group is ready; null once a group was used. */
  startUntilMs: number | null;
  /** Since when the longest-waiting request has had no group; null while none waits. */
  pendingSinceMs: number | null;
  groups: readonly GroupView[];
}

export interface Word {
  active: string;
  epoch: number;
  reason?: string;
  /** `failover`: the group before it was given up as broken, and will be stopped. */
  why?: string | undefined;
}

export interface GroupView {
  id: string;
  servers: readonly ServerView[];
  faults: readonly Fault[];
  /** Connections of this gateway to the group that broke. */
  breaks: readonly Break[];
  /** The last token of the group, of this gateway's streams or by the leader's agent. */
  lastTokenMs: number | null;
  /** Since when the longest-waiting request waits for its next token; null while nobody waits. */
  waitingSinceMs: number | null;
  /** Requests of this gateway in its hands, also those that wait for no token: answers in one piece, or to slow readers. */
  passengers: number;
  canary: CanaryView;
  /** What the leader's agent says of the engine; null while it has said nothing. */
  engine: "starting" | "serving" | "unhealthy" | "unreachable" | null;
  /** Since when it has been proven without a suspicion; null while it is not. */
  wellSinceMs: number | null;
  /** It has written, answered, or lost a process before: a load now is not its first. */
  hasServed: boolean;
}

export interface ServerView {
  id: string;
  /**
   * `open`: a stream of evidence was opened and has not been closed by the other side. `closed`: the agent ended it, which a
   * server without power cannot do. `never`: nothing was ever heard.
   */
  stream: "open" | "closed" | "never";
  lastHeardMs: number;
  /** A rank of it whose process was stopped and has not gone on, as its agent tells; absent in older records. */
  stopped?: StoppedRank | null;
}

export interface StoppedRank {
  rank: number;
  pid: number;
  sinceMs: number;
}

/** Something that ends the service of a group until its engine has started again. */
export interface Fault {
  atMs: number;
  server: string;
  /** A sentence: `XID 79: …`, `rank 3 (pid 71) exited`. */
  text: string;
  /** What may follow the workload to the next group: a crash without a word from the hardware. */
  software: boolean;
  /** When the group was seen with a new engine; null before. */
  restartedMs: number | null;
}

export interface Break {
  atMs: number;
  /** `reset` and `closed` cut a request short; `refused` is a connection that nobody took. */
  how: "reset" | "closed" | "refused";
}

/** One-token requests of the gateway's own. */
export interface CanaryView {
  /** When the unanswered one was sent; null while none is out. */
  askedMs: number | null;
  answeredMs: number | null;
  /** The last one that failed: refused, cut, or answered with an error. */
  failedMs: number | null;
}

export interface Move {
  atMs: number;
  from: string;
  to: string;
  /** Made on a fact, such as a dead process, or the group that was left turned out to be broken. */
  proof?: boolean;
  /** The group that was left answered soon after: it was left for nothing. */
  settled?: boolean;
}
