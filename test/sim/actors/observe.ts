import type { GatewayReport, GroupObserved, Observed, ServerObserved } from "../../../src/failover/observed.ts";
import { fenceOf } from "../../../src/health/fenced.ts";
import { type Crash, follows } from "../../../src/health/follows.ts";
import { type GroupVerdict, groupVerdict } from "../../../src/health/group-verdict.ts";
import { DEFAULT_HEALTH_RULES } from "../../../src/health/rules.ts";
import type { ServerEvidence } from "../../../src/health/server-evidence.ts";
import { type ServerVerdict, serverVerdict } from "../../../src/health/server-verdict.ts";
import type { GroupTraffic } from "../../../src/health/silence.ts";
import type { ApiState } from "../world/api-server.ts";

/** What one reconciler knows when it looks; all times on its own clock. */
export interface Knowledge {
  atMs: number;
  readMs: number;
  holdsLease: boolean;
  state: ApiState;
  evidence: ReadonlyMap<string, ServerEvidence>;
  traffic: (group: string) => GroupTraffic;
  gateways: readonly GatewayReport[];
  power: (server: string) => "on" | "off" | "unknown";
  hasBmc: (server: string) => boolean;
  /** The verdicts of the look before: the first bad moment survives a change of reason. */
  before: ReadonlyMap<string, GroupVerdict>;
}

export interface Look {
  seen: Observed;
  verdicts: ReadonlyMap<string, GroupVerdict>;
  /** The present faults, as they are remembered once something is done about them. */
  crashes: ReadonlyMap<string, Crash>;
  bootIds: ReadonlyMap<string, string | null>;
}

/** Evidence and objects → what `decide` is asked about, with the real verdicts, blame, fences and comparison of crashes. */
export function observe(known: Knowledge): Look {
  const { state, atMs } = known;
  const names = Object.keys(state.nodes);
  const members = new Map(Object.keys(state.groups).map((id) => [id, membersOf(state, id)]));
  const verdicts = new Map<string, GroupVerdict>();
  for (const [id, list] of members) verdicts.set(id, verdictOn(id, list, known));
  const crashes = new Map<string, Crash>();
  for (const [id, verdict] of verdicts) {
    const crash = crashOf(id, verdict, atMs);
    if (crash !== null) crashes.set(id, crash);
  }
  const seen: Observed = {
    atMs,
    holdsLease: known.holdsLease,
    snapshotAtMs: known.readMs,
    paused: state.service.paused ? { by: "ann" } : null,
    epoch: state.service.epoch,
    active: state.service.active,
    gateways: known.gateways,
    groups: [...members].map(([id, list]) =>
      groupSeen(id, list, known, verdicts.get(id) as GroupVerdict, crashes.get(id)),
    ),
    servers: names.map((name) => serverSeen(name, known, verdicts)),
    failoversMs: state.service.failoversMs,
    wantedRevision: state.service.wantedRevision,
    switchoverTo: state.service.switchoverTo,
  };
  const bootIds = new Map([...known.evidence].map(([name, { bootId }]) => [name, bootId]));
  return { seen, verdicts, crashes, bootIds };
}

export function membersOf({ nodes }: ApiState, id: string): string[] {
  return Object.keys(nodes)
    .filter((name) => nodes[name]?.group === id)
    .sort((a, b) => (nodes[a]?.rank ?? 0) - (nodes[b]?.rank ?? 0));
}

function verdictOn(group: string, list: readonly string[], known: Knowledge): GroupVerdict {
  const all = [...known.evidence.values()];
  const members = list.flatMap((name) => known.evidence.get(name) ?? []);
  const previous = known.before.get(group) ?? null;
  return groupVerdict({ group, members, everyone: all, traffic: known.traffic(group), atMs: known.atMs, previous });
}

function crashOf(group: string, { state, blame, sinceMs, remedy, reason }: GroupVerdict, atMs: number): Crash | null {
  if (state !== "suspect") return null;
  const fingerprint = blame?.finding.code ?? /\[([a-z0-9-]+)\]/.exec(reason)?.[1] ?? "unknown";
  return {
    group,
    server: blame?.server ?? null,
    atMs: sinceMs ?? atMs,
    fingerprint,
    remedy: remedy ?? "restart-group",
  };
}

function groupSeen(
  id: string,
  members: readonly string[],
  { state, atMs, evidence }: Knowledge,
  verdict: GroupVerdict,
  crash: Crash | undefined,
): GroupObserved {
  const object = state.groups[id] as ApiState["groups"][string];
  const run = object.replicas === 0 ? "stopped" : object.ready ? "serving" : "starting";
  const runSinceMs = run === "stopped" ? object.changedMs : Math.max(object.changedMs, object.readyChangedMs);
  const isSuspect = verdict.state === "suspect" && run !== "stopped";
  const { crashes, changes } = state.service;
  const known = crash === undefined ? crashes : [...crashes.filter((one) => !isSame(one, crash)), crash];
  const ready = run === "serving" && verdict.state !== "suspect" && verdict.state !== "blind";
  return {
    id,
    size: 2,
    members,
    run,
    runSinceMs,
    podsLeft: run === "stopped" ? state.pods.filter(({ group }) => group === id).length : 0,
    verdict: {
      state: isSuspect ? "suspect" : verdict.state === "blind" ? "blind" : "healthy",
      sinceMs: verdict.sinceMs ?? atMs,
      remedy: verdict.remedy,
      reason: verdict.reason,
      blamed: verdict.blame?.server ?? null,
      wantsSwitch: verdict.wantsSwitch,
    },
    // What a group's last fault follows is asked of the crashes up to that one.
    follows: crash === undefined || evidence.size === 0 ? "unknown" : follows(known, changes, FOLLOW_RULES).what,
    restartsMs: object.restartsMs,
    revision: object.revision,
    failedRevision: object.failedRevision,
    takeover: { ready, reason: ready ? "" : `${run}, ${verdict.state}: ${verdict.reason}` },
  };
}

const FOLLOW_RULES = { compareWithinMs: 3_600_000, changeWithinMs: 60_000 };

/** One end of one group may be seen several times while it lasts. */
export function isSame(a: Crash, b: Crash): boolean {
  return a.group === b.group && Math.abs(a.atMs - b.atMs) < 10_000;
}

function serverSeen(name: string, known: Knowledge, verdicts: ReadonlyMap<string, GroupVerdict>): ServerObserved {
  const { state, atMs, evidence } = known;
  const node = state.nodes[name] as ApiState["nodes"][string];
  const record = state.service.servers[name] as ApiState["service"]["servers"][string];
  const own = evidence.get(name) as ServerEvidence;
  const { group } = node;
  const object = group === null ? undefined : state.groups[group];
  const verdict: ServerVerdict =
    (group === null ? undefined : verdicts.get(group)?.servers.find(({ server }) => server === name)) ??
    serverVerdict(own, atMs, DEFAULT_HEALTH_RULES);
  const power = known.power(name);
  const { quarantine } = record;
  const isolation =
    quarantine !== null
      ? { atMs: quarantine.sinceMs, bootId: quarantine.bootId }
      : { atMs: object?.replicas === 0 ? object.changedMs : Number.NEGATIVE_INFINITY, bootId: null };
  const isIdle = quarantine !== null || object === undefined || object.replicas === 0;
  const fence = isIdle
    ? fenceOf(own, isolation, power === "off" ? atMs : null)
    : { fenced: false, reason: "it serves its group" };
  return {
    name,
    group,
    verdict: {
      state: verdict.state === "watch" ? "healthy" : verdict.state,
      sinceMs: verdict.sinceMs ?? atMs,
      remedy: verdict.remedy,
      reason: verdict.reason,
    },
    quarantine: quarantine === null ? null : { sinceMs: quarantine.sinceMs, remedy: quarantine.remedy },
    fence: { fenced: fence.fenced, reason: fence.reason },
    outOfService: node.outOfService,
    bmc: known.hasBmc(name),
    power,
    powerOffAskedMs: record.powerOffAskedMs,
    treated: record.treated,
    validated: record.validated,
    reserved: node.cordoned,
  };
}
