import type { Evidence } from "../../../src/health/evidence.ts";
import type { GpuLogLine } from "../../../src/health/kernel-line.ts";
import type { Remedy } from "../../../src/health/remedy.ts";
import type { EvidenceLog } from "../../../src/stream/evidence-log.ts";

/** What is true of a server, whoever knows it. */
export interface SimServer {
  name: string;
  power: boolean;
  bootId: number;
  bootedMs: number;
  /** GPU lines of the kernel's ring since that boot. */
  lines: GpuLogLine[];
  /** Those of the boots before. */
  oldLines: GpuLogLine[];
  /** What its agent has to tell when it runs again. */
  untold: Evidence[];
  /** Its kernel answers, nothing runs. */
  frozen: boolean;
  /** Its network, all of it but the BMC. */
  net: boolean;
  ib: boolean;
  /** What would mend its GPUs; null when they are well. */
  needs: Remedy | null;
  /** Nobody is told of it until the server is checked. */
  isHidden: boolean;
  isHot: boolean;
  rank: Rank | null;
  agent: SimAgent | null;
  bmc: "none" | "works" | "dead";
  /** Grows with each boot or power cut: what was planned for the kernel before is void. */
  life: number;
  /** A fault was put on it, or it was touched, at this time. */
  faultMs: number;
}

export interface Rank {
  group: string;
  /** The start of the group that it belongs to. */
  start: number;
  pid: number;
  number: number;
  isStopped: boolean;
  startedMs: number;
  pod: number;
}

export interface SimAgent {
  id: string;
  log: EvidenceLog;
}

/** What is true of the engine of a group. */
export interface SimGroup {
  id: string;
  size: number;
  /** Counts its starts. */
  start: number;
  /** Rank 0 first; of the present start. */
  members: readonly string[];
  revision: string;
  state: "none" | "loading" | "serving" | "hung";
  sinceMs: number;
  readyMs: number;
  /** The engine's own loop hangs, whatever the ranks do. */
  isStuck: boolean;
  /** The last moment at which it served; now, while it does. */
  lastServedMs: number;
  /** The first moment of the present span of service. */
  servesSinceMs: number;
}

export interface WorldConfig {
  bmc: boolean;
  spare: boolean;
  /** Requests run all the time; without them canaries are all that is known. */
  busy: boolean;
  /** Wall clocks of the two reconcilers against the true time. */
  skewMs: readonly [number, number];
  /** The reconciler that does not lead follows the agents as well. */
  standbyListens: boolean;
}
