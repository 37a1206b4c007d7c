import type { GpuLogLine } from "./kernel-line.ts";

/**
 * What the agent of one server has seen. Every piece is about the present and replaces the earlier piece with the same
 * {@link evidenceKey}, except kernel-log lines and rank exits, which are events and add up.
 */
export type Evidence =
  | { kind: "kernel-log"; line: GpuLogLine }
  /** Counts, fields and health of the GPUs as `nvidia-smi` tells them; `found` below `expected` is a lost GPU. */
  | { kind: "gpus"; expected: number; found: number; gpus: GpuSample[] }
  /** A source of evidence that stopped giving any: a monitor that hangs is a signal of its own. */
  | { kind: "monitor"; monitor: Monitor; state: "working" | "hung" | "failed"; detail: string }
  | { kind: "link"; device: string; port: number; state: "up" | "down"; downCount: number; rateGbps: number | null }
  /** A rank's process. `exited` is sent within 50 ms of the exit and never repeated for the same pid. */
  | {
      kind: "rank";
      group: string;
      rank: number;
      pid: number;
      state: "running" | "stopped" | "exited";
      /** On the agent's clock, where it says so: a rank that started after a crash is the answer to it. */
      startedMonoMs?: number | undefined;
    }
  /** The launcher of the server's ranks; its exit takes all of them along. */
  | { kind: "engine-process"; group: string; pid: number; state: "running" | "exited" }
  /** What the engine's own endpoints say; leader only. `tokensTotal` only grows while `instance` stays the same. */
  | {
      kind: "engine";
      group: string;
      /** Changes with each start of the engine. */
      instance: string;
      state: "starting" | "serving" | "unhealthy" | "unreachable";
      tokensTotal: number;
      /** Of these the ones that were written, not read: a rate says nothing else. Missing where the engine does not tell them apart. */
      decodedTotal?: number | undefined;
      running: number;
      queued: number;
    }
  /** A program of the host that the GPUs need; `absent` where the machine has none (no NVSwitch, no fabric manager). */
  | { kind: "service"; name: HostService; state: "running" | "failed" | "absent"; detail: string }
  /** A node condition written by somebody else (node-problem-detector, NVSentinel, kubelet). */
  | { kind: "condition"; type: string; status: "True" | "False" | "Unknown"; reason: string }
  /** What the next start of an engine would load; `digest` is of the names and sizes of all files. `broken`: a shard is missing. */
  | {
      kind: "folder";
      folder: "weights" | "kernel-cache";
      path: string;
      state: "complete" | "broken" | "missing";
      files: number;
      bytes: number;
      digest: string;
      detail: string;
    }
  /** Room on the file system of a path; told again when it has changed by a hundredth. */
  | { kind: "disk"; path: string; freeBytes: number; totalBytes: number }
  | { kind: "memory"; availableBytes: number; totalBytes: number };

export type Monitor = "nvidia-smi" | "kernel-log" | "infiniband" | "processes" | "engine" | "conditions" | "storage";

export type HostService = "fabric-manager" | "persistence-daemon";

/** One GPU at one moment; null where the driver does not say. */
export interface GpuSample {
  index: number;
  /** As in the kernel log: `0000:0b:00`. */
  pci: string;
  uuid: string;
  temperatureC: number | null;
  powerW: number | null;
  /** Bits of `clocks_event_reasons.active` as named by nvidia-smi, e.g. `hw_thermal_slowdown`. */
  throttle: string[];
  eccUncorrected: number | null;
  remappedRowsPending: boolean | null;
  remappedRowsFailure: boolean | null;
  pcieWidth: number | null;
  pcieWidthMax: number | null;
  nvlinksActive: number | null;
  /** The driver's own verdict where it has one (`gpu_recovery_action`), as in XID 154. */
  recoveryAction: string | null;
  processIds: number[];
}

/** Pieces with one key replace each other. */
export function evidenceKey(evidence: Evidence): string {
  switch (evidence.kind) {
    case "kernel-log":
      return `kernel-log ${evidence.line.sequence}`;
    case "gpus":
      return "gpus";
    case "monitor":
      return `monitor ${evidence.monitor}`;
    case "link":
      return `link ${evidence.device}/${evidence.port}`;
    case "rank":
      return evidence.state === "exited"
        ? `rank ${evidence.group}/${evidence.rank} exit of ${evidence.pid}`
        : `rank ${evidence.group}/${evidence.rank}`;
    case "engine-process":
      return evidence.state === "exited" ? `engine-process exit of ${evidence.pid}` : "engine-process";
    case "engine":
      return "engine";
    case "service":
      return `service ${evidence.name}`;
    case "condition":
      return `condition ${evidence.type}`;
    case "folder":
      return `folder ${evidence.folder}`;
    case "disk":
      return `disk ${evidence.path}`;
    case "memory":
      return "memory";
  }
}
