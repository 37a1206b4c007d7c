import type { GpuSample } from "../../health/evidence.ts";
import type { Finding } from "../../health/finding.ts";
import { findingsOf } from "../../health/findings.ts";
import type { HealthRules } from "../../health/rules.ts";
import { type ServerEvidence, unheard } from "../../health/server-evidence.ts";
import type { ServerStatus } from "../../manifests/model-service/resource.ts";

/** How well one GPU is. `unknown`: its server has told nothing of it, or is not heard. */
export interface GpuPanel {
  index: number;
  state: "well" | "watch" | "bad" | "missing" | "unknown";
  temperatureC: number | null;
  powerW: number | null;
  /** Processes that hold it. */
  processes: number;
  /** What is wrong, in the words that decisions are made on; empty where nothing is. */
  reason: string;
}

export interface ServerPanel {
  name: string;
  address: string;
  verdict: ServerStatus["verdict"];
  reason: string;
  /** `in service`, `isolated` (taken out, and may still act) or `fenced` (proven unable to). */
  service: "in service" | "isolated" | "fenced";
  quarantine: { since: string; remedy: string; reason: string; proof: string } | null;
  heard: boolean;
  gpus: GpuPanel[];
}

/** A server as it is shown: what the reconciler says of it, and what its agent says of its GPUs. */
export function serverPanel(
  name: string,
  address: string,
  told: ServerStatus | undefined,
  evidence: ServerEvidence | undefined,
  atMs: number,
  rules: HealthRules,
): ServerPanel {
  const known = evidence ?? unheard(name);
  const heard = known.lastHeardMs !== null && atMs - known.lastHeardMs <= rules.blindAfterMs;
  const { quarantine, fence } = told ?? {};
  return {
    name,
    address,
    verdict: told?.verdict ?? (heard ? "healthy" : "blind"),
    reason: told?.reason ?? (heard ? "" : "its agent is not heard"),
    service: quarantine === undefined ? "in service" : fence?.fenced === true ? "fenced" : "isolated",
    quarantine: quarantine === undefined ? null : { ...quarantine, proof: fence?.reason ?? "no proof yet" },
    heard,
    gpus: gpuPanels(known, heard, atMs, rules),
  };
}

function gpuPanels(known: ServerEvidence, heard: boolean, atMs: number, rules: HealthRules): GpuPanel[] {
  const pieces = known.pieces.toSorted((a, b) => b.arrivedMonoMs - a.arrivedMonoMs || b.seq - a.seq);
  const found = pieces.map(({ evidence }) => evidence).find((evidence) => evidence.kind === "gpus");
  if (found?.kind !== "gpus") return [];
  const findings = findingsOf(known, atMs, rules);
  const count = Math.max(found.expected, ...found.gpus.map(({ index }) => index + 1));
  return Array.from({ length: count }, (_, index) => {
    const sample = found.gpus.find((gpu) => gpu.index === index);
    if (sample === undefined) return { ...NOTHING, index, state: heard ? ("missing" as const) : ("unknown" as const) };
    return gpuPanel(sample, heard, findings);
  });
}

const NOTHING = { temperatureC: null, powerW: null, processes: 0, reason: "it is not there" };

function gpuPanel(sample: GpuSample, heard: boolean, findings: readonly Finding[]): GpuPanel {
  const { index, pci, temperatureC, powerW, processIds } = sample;
  const about = findings.filter(({ subject }) => subject.startsWith("gpu ") && subject.includes(pci));
  const worst = about.some(({ moves }) => moves === "now") ? "bad" : about.length > 0 ? "watch" : "well";
  return {
    index,
    state: heard ? worst : "unknown",
    temperatureC,
    powerW,
    processes: processIds.length,
    reason: about.map(({ reason, code }) => `${reason} [${code}]`).join("; "),
  };
}
