import { healthRules } from "../../health/rules.ts";
import type { ModelServiceRequest, ModelServiceStatus } from "../../manifests/model-service/resource.ts";
import { type Alarm, alarmsOf } from "../alarms.ts";
import { joinStatus, type StackStatus } from "../stack-status.ts";
import { ratesOf, SLICE_MS } from "./flow.ts";
import { type GroupPanel, groupPanels } from "./group-panel.ts";
import { type MovePanel, movesOf, sinceOf } from "./moves.ts";
import { type ServerPanel, serverPanel } from "./server-panel.ts";
import type { DashboardSources, DrillNote, GatewaySeen } from "./sources.ts";

export interface GatewayPanel {
  name: string;
  answers: boolean;
  /** The group that it sends requests to. */
  uses: string | null;
  requests: number;
}

/** Everything that the page and `tandem top` show, as data: one value a moment. */
export interface Dashboard {
  stack: string;
  model: string;
  /** Who says so, and when (ISO 8601). */
  by: string;
  at: string;
  epoch: number;
  mode: "automatic" | "manual" | null;
  redundancy: string | null;
  /** Where requests go now, by the gateways' own word; by the ModelService's while none is heard. */
  active: string | null;
  activeSince: string | null;
  alarms: Alarm[];
  decision: ModelServiceStatus["decision"] | null;
  groups: GroupPanel[];
  /** Servers in no group. */
  spares: ServerPanel[];
  takeover: StackStatus["takeover"];
  flow: {
    sliceMs: number;
    rates: Record<string, number[]>;
    /** Tokens a second over the last two seconds. */
    perSecond: number;
    /** The longest that a stream waits for its next token now; null while none is under way. */
    gapMs: number | null;
  };
  gateways: GatewayPanel[];
  /** Newest first. */
  moves: MovePanel[];
  /** Records of drills and failovers, newest first. */
  drills: readonly DrillNote[];
  /** What a person has asked for and is not done. */
  request: ModelServiceRequest | null;
  answered: NonNullable<ModelServiceStatus["handledRequest"]> | null;
}

const SILENT = new Error("no gateway answers");
/** The lease is read every 1.5 s: several reads that failed. */
const API_SILENT_MS = 8_000;
/** The rate that is said in a figure is of so many slices. */
const NOW_SLICES = 4;

/** Joins what is known at one moment. Pure: the same sources always make the same dashboard. */
export function dashboardOf(sources: DashboardSources): Dashboard {
  const { stack, by, wallMs, monoMs, service, evidence, flow } = sources;
  const spec = service instanceof Error ? null : service.spec;
  const told = service instanceof Error ? null : (service.status ?? null);
  const gateways = gatewaysOf(sources);
  const heard = Object.values(gateways).flatMap((seen) => (seen === null ? [] : [seen.answer]));
  const status = joinStatus({
    stack,
    url: "",
    model: spec?.model ?? "",
    replicas: Object.fromEntries(Object.entries(gateways).map(([name, seen]) => [name, seen?.answer ?? SILENT])),
    holder: heard[0] ?? SILENT,
    service,
  });
  const rules = healthRules(spec?.failover.xids ?? {}, spec?.failover.longestStepMs ?? 0);
  const panelOf = (name: string) =>
    serverPanel(
      name,
      spec?.servers[name]?.address ?? "",
      told?.servers.find((server) => server.name === name),
      evidence.get(name),
      monoMs,
      rules,
    );
  const active = usedBy(heard) ?? status.active;
  const ids = Object.keys(status.groups);
  const rates = ratesOf(flow, ids, monoMs);
  const groups = groupPanels({ status, told, heard, active, rates, nowSlices: NOW_SLICES, evidence, panelOf });
  const placed = new Set(groups.flatMap(({ servers }) => servers.map(({ name }) => name)));
  const gaps = heard.flatMap(({ gapMs }) => (gapMs === null ? [] : [gapMs]));
  const moves = movesOf(told?.moves ?? [], heard);
  return {
    stack,
    model: spec?.model ?? status.model,
    by,
    at: new Date(wallMs).toISOString(),
    epoch: status.epoch,
    mode: status.reconciler?.mode ?? null,
    redundancy: status.reconciler?.redundancy ?? null,
    active,
    activeSince: sinceOf(active, moves, heard, groups),
    alarms: [...apiAlarm(sources), ...alarmsOf(status)],
    decision: told?.decision ?? null,
    groups,
    spares: Object.keys(spec?.servers ?? {})
      .filter((name) => !placed.has(name))
      .map(panelOf),
    takeover: withNulls(status.takeover),
    flow: {
      sliceMs: SLICE_MS,
      rates,
      perSecond: groups.reduce((sum, { tokensPerSecond }) => sum + tokensPerSecond, 0),
      gapMs: gaps.length === 0 ? null : Math.max(...gaps),
    },
    gateways: Object.entries(gateways).map(([name, seen]) => ({
      name,
      answers: seen !== null,
      uses: seen?.answer.active ?? null,
      requests: Object.values(seen?.answer.groups ?? {}).reduce((sum, { requests }) => sum + requests, 0),
    })),
    moves,
    drills: sources.drills,
    request: status.reconciler?.request ?? null,
    answered: told?.handledRequest ?? null,
  };
}

/** Replicas by the server that they run on, or by address; by port as well where several have one. */
function gatewaysOf({ gateways, service }: DashboardSources): Record<string, GatewaySeen | null> {
  const servers = service instanceof Error ? [] : Object.entries(service.spec.servers);
  const hostOf = (url: string) => url.replace(/^\w+:\/\//, "").replace(/\/.*$/, "");
  const addressOf = (url: string) => hostOf(url).replace(/:\d+$/, "");
  const addresses = Object.keys(gateways).map(addressOf);
  const nameOf = (url: string) => {
    const address = addressOf(url);
    if (addresses.filter((one) => one === address).length > 1) return hostOf(url);
    return servers.find(([, server]) => server.address === address)?.[0] ?? address;
  };
  return Object.fromEntries(Object.entries(gateways).map(([url, seen]) => [nameOf(url), seen]));
}

/** The group that all replicas use; null where they differ, hold, or are silent. */
function usedBy(heard: readonly GatewaySeen["answer"][]): string | null {
  const used = new Set(heard.map(({ active }) => active));
  return used.size === 1 ? ([...used][0] ?? null) : null;
}

/** The API server gives fields that are null back as fields that are missing. */
function withNulls(takeover: StackStatus["takeover"]): StackStatus["takeover"] {
  return { ...takeover, rungs: takeover.rungs.map((rung) => ({ ...rung, provenAt: rung.provenAt ?? null })) };
}

/** What the reconciler wrote is old then, and must not look as if it were of now. */
function apiAlarm({ apiAgoMs, wallMs, service }: DashboardSources): Alarm[] {
  if (service instanceof Error || apiAgoMs < API_SILENT_MS) return [];
  const since = new Date(wallMs - apiAgoMs).toISOString();
  const detail = "traffic does not need it; nothing is repaired meanwhile, and what is decided below is of then";
  return [{ tone: "warn", title: "NO API SERVER", since, detail }];
}
