import type { ServerEvidence } from "../../health/server-evidence.ts";
import type { GroupStatus, ModelServiceStatus } from "../../manifests/model-service/resource.ts";
import type { StackStatus } from "../stack-status.ts";
import type { ServerPanel } from "./server-panel.ts";
import type { GatewaySeen } from "./sources.ts";

/** A group as it is shown. */
export interface GroupPanel {
  id: string;
  role: "active" | "standby" | "none";
  run: GroupStatus["run"] | "unknown";
  since: string | null;
  /** In a word: what the reconciler says, or the gateways where it says nothing. */
  state: string;
  reason: string;
  revision: string | null;
  failedRevision: string | null;
  /** In the gateways' hands. */
  requests: number;
  /** Of the engine itself, by its agent. */
  running: number | null;
  queued: number | null;
  tokensPerSecond: number;
  servers: ServerPanel[];
}

interface Input {
  status: StackStatus;
  told: ModelServiceStatus | null;
  heard: readonly GatewaySeen["answer"][];
  active: string | null;
  rates: Readonly<Record<string, readonly number[]>>;
  /** So many of the last slices make the present rate. */
  nowSlices: number;
  evidence: ReadonlyMap<string, ServerEvidence>;
  panelOf(server: string): ServerPanel;
}

export function groupPanels(input: Input): GroupPanel[] {
  const { status, told, heard, active, rates, nowSlices, evidence, panelOf } = input;
  return Object.entries(status.groups).map(([id, { servers, state, reason }]): GroupPanel => {
    const known = told?.groups.find((group) => group.id === id);
    const engine = engineOf(id, servers, evidence);
    const latest = (rates[id] ?? []).slice(-nowSlices);
    return {
      id,
      // Who has traffic now; of the others all could take it.
      role: id === active ? "active" : active === null ? (known?.role ?? "none") : "standby",
      run: known?.run ?? "unknown",
      since: known?.since ?? null,
      state:
        known?.run === "serving" && known.verdict !== "healthy" ? known.verdict : state === "clear" ? "healthy" : state,
      reason,
      revision: known?.revision ?? null,
      failedRevision: known?.failedRevision ?? null,
      requests: heard.reduce((sum, { groups }) => sum + (groups[id]?.requests ?? 0), 0),
      running: engine?.running ?? null,
      queued: engine?.queued ?? null,
      tokensPerSecond:
        latest.length === 0 ? 0 : Math.round(latest.reduce((sum, rate) => sum + rate, 0) / latest.length),
      servers: servers.map(panelOf),
    };
  });
}

/** The newest word of an agent on the engine of this group. */
function engineOf(id: string, servers: readonly string[], evidence: ReadonlyMap<string, ServerEvidence>) {
  const pieces = servers
    .flatMap((name) => evidence.get(name)?.pieces ?? [])
    .toSorted((a, b) => b.arrivedMonoMs - a.arrivedMonoMs || b.seq - a.seq);
  for (const { evidence: word } of pieces) if (word.kind === "engine" && word.group === id) return word;
  return null;
}
