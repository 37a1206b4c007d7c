import type { Remedy } from "./remedy.ts";

/**
 * What a finding does to traffic. `now`: the ranks are dead or about to be. `planned`: it serves, but worse than it should; a
 * switchover without an error is worth while. `never`: a human or a quiet moment is enough.
 */
export type Moves = "now" | "planned" | "never";

export type FindingCode =
  | `xid-${number}`
  | `sxid-${number}`
  | "driver-verdict"
  | "gpu-lost"
  | "ecc-uncorrected"
  | "row-remap-pending"
  | "row-remap-failure"
  | "nvlink-down"
  | "thermal-throttle"
  | "power-throttle"
  | "pcie-width"
  | "ib-port-down"
  | "ib-port-flapping"
  | "driver-gone"
  | "fabric-manager-gone"
  | "monitor-hung"
  | "rank-exited"
  | "rank-stopped"
  | "engine-exited"
  | "engine-unhealthy"
  | "engine-unreachable"
  | "engine-no-progress"
  | "node-condition"
  | "straggler"
  | "server-silent";

/** One thing that is wrong with one part of one server, and the evidence that says so. */
export interface Finding {
  code: FindingCode;
  server: string;
  /** The part: `gpu 3 (0000:3b:00)`, `rank a/9`, `port mlx5_0/1`, `engine of a`, `server`. */
  subject: string;
  /** The group whose rank or engine it is about; null for hardware, which concerns whatever runs there. */
  group: string | null;
  remedy: Remedy;
  moves: Moves;
  /** The first bad moment on the observer's clock. A later piece that says the same, in whatever words, never moves it. */
  sinceMs: number;
  /** Of a fault that ends a process and leaves its GPU usable: when it was last told of. */
  endsProcessMs?: number | undefined;
  /** Held for as long as its rule asks; until then it is only watched. */
  confirmed: boolean;
  reason: string;
  /** The pieces it rests on: the first that said so and the last. */
  rests: readonly { agent: string; seq: number }[];
}

/** What one piece says about one part at one moment; a run of pieces that agree becomes a {@link Finding}. */
export interface Mark {
  code: FindingCode;
  subject: string;
  group?: string;
  remedy: Remedy;
  moves: Moves;
  confirmAfterMs: number;
  reason: string;
  /** A run ends when this changes, though code and subject stay (the token count of an engine). */
  run?: string;
  /** Not worth a word before it is confirmed: an engine with work rests between any two tokens. */
  quiet?: true;
}

/** Pieces of state that replace each other, in words that compare findings of two moments. */
export function findingKey({ server, code, subject }: Pick<Finding, "server" | "code" | "subject">): string {
  return `${server} ${code} ${subject}`;
}
