import type { Evidence, GpuSample } from "../../src/health/evidence.ts";
import { hearBeat, hearEvidence, hearHello } from "../../src/health/hear.ts";
import type { GpuLogLine } from "../../src/health/kernel-line.ts";
import { DEFAULT_HEALTH_RULES, type HealthRules } from "../../src/health/rules.ts";
import { type ServerEvidence, unheard } from "../../src/health/server-evidence.ts";
import { soundGpu } from "../support/gpu-sample.ts";

/** What an agent says at one moment: a piece of evidence, a beat, or a new start of the kernel or of the agent. */
export type Heard = Evidence | "beat" | { boot: string } | { agent: string };

/** Plays what one server says, as a subscriber hears it: `[atMs, what]` in the order of arrival. */
export function play(
  server: string,
  story: readonly (readonly [number, Heard])[],
  { start = unheard(server), rules = DEFAULT_HEALTH_RULES }: { start?: ServerEvidence; rules?: HealthRules } = {},
): ServerEvidence {
  let seq = 0;
  const first = story[0]?.[0] ?? 0;
  const hello = {
    bootId: "boot-1",
    agent: "agent-1",
    heartbeatMs: 250,
    start: "snapshot" as const,
    seq: 0,
    monoMs: first,
  };
  let known = start.lastHeardMs === null ? hearHello(start, hello, first) : start;
  for (const [atMs, what] of story) {
    if (what === "beat") known = hearBeat(known, { seq }, atMs);
    else if ("boot" in what)
      known = hearHello(known, { ...hello, bootId: what.boot, agent: `of ${what.boot}`, seq, monoMs: atMs }, atMs);
    else if ("agent" in what)
      known = hearHello(known, { ...hello, bootId: known.bootId ?? "", agent: what.agent, seq, monoMs: atMs }, atMs);
    else known = hearEvidence(known, { seq: ++seq, monoMs: atMs, evidence: what }, atMs, rules);
  }
  return known;
}

export const pciOf = (index: number): string => `0000:${(0x0b + index).toString(16).padStart(2, "0")}:00`;

let sequence = 0;
export const xid = (code: number, gpu = 0): Evidence => kernel({ kind: "xid", code, ...lineAt(gpu) });
export const sxid = (code: number, fatal: boolean): Evidence => kernel({ kind: "sxid", code, fatal, ...lineAt(9) });
export const driverAsks = (action: "none" | "gpu-reset" | "node-reboot", gpu = 0): Evidence =>
  kernel({ kind: "recovery-action", action, ...lineAt(gpu) });

const kernel = (line: GpuLogLine): Evidence => ({ kind: "kernel-log", line });
const lineAt = (gpu: number) => ({
  pci: pciOf(gpu),
  text: "",
  sequence: ++sequence,
  uptimeUs: Number.MAX_SAFE_INTEGER,
});

export const gpu = (index: number, change: Partial<GpuSample> = {}): GpuSample =>
  soundGpu(index, { pci: pciOf(index), ...change });

/** Eight GPUs, the fourth of them changed. */
export const gpus = (change: Partial<GpuSample> = {}, found = 8): Evidence => ({
  kind: "gpus",
  expected: 8,
  found,
  gpus: Array.from({ length: found }, (_, index) => gpu(index, index === 3 ? change : {})),
});

export const link = (state: "up" | "down", downCount: number): Evidence => ({
  kind: "link",
  device: "mlx5_0",
  port: 1,
  state,
  downCount,
  rateGbps: 400,
});
export const rank = (number: number, state: "running" | "stopped" | "exited", pid = 100 + number): Evidence => ({
  kind: "rank",
  group: "a",
  rank: number,
  pid,
  state,
});
export const engine = (
  state: "starting" | "serving" | "unhealthy" | "unreachable",
  tokensTotal = 0,
  running = 1,
  queued = 0,
): Evidence => ({ kind: "engine", group: "a", instance: "1", state, tokensTotal, running, queued });
export const condition = (type: string, status: "True" | "False" | "Unknown"): Evidence => ({
  kind: "condition",
  type,
  status,
  reason: "",
});
