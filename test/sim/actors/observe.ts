import { isRevisionToBlame } from "../../../src/failover/failed-revision.ts";
import type { GatewayReport, GroupObserved, Observed, ServerObserved } from "../../../src/failover/observed.ts";
import { crashOf } from "../../../src/health/crash-of.ts";
import { fenceOf, type Isolation } from "../../../src/health/fenced.ts";
import { type Crash, follows } from "../../../src/health/follows.ts";
import { type GroupVerdict, groupVerdict } from "../../../src/health/group-verdict.ts";
import { once } from "../../../src/health/once.ts";
import { DEFAULT_HEALTH_RULES } from "../../../src/health/rules.ts";
import { hasTold, type Piece, type ServerEvidence } from "../../../src/health/server-evidence.ts";
import { isResetDue, type ServerVerdict, serverVerdict } from "../../../src/health/server-verdict.ts";
import type { GroupTraffic, Witness } from "../../../src/health/silence.ts";
import type { ApiState, ServerRecord } from "../world/api-server.ts";
import type { SeenRecords } from "./seen-records.ts";
import { RESET_MS } from "./treatments.ts";

/** What one reconciler knows when it looks; all times on its own clock. */
export interface Knowledge {
  atMs: number;
  readMs: number;
  holdsLease: boolean;
  /** Since when it follows the agents. */
  listensSinceMs: number;
  state: ApiState;
  evidence: ReadonlyMap<string, ServerEvidence>;
  traffic: ReadonlyMap<string, GroupTraffic>;
  gateways: readonly GatewayReport[];
  power: (server: string) => "on" | "off" | "unknown";
  hasBmc: (server: string) => boolean;
  /** What the gateways hear of each server. */
  witnesses: ReadonlyMap<string, Witness>;
  /** The look before: its first bad moments survive a change of reason, and what cannot have changed is not asked again. */
  before: Memory;
  /** Its beats are on their way. */
  isHeard: (server: string) => boolean;
  /** When what other replicas have recorded happened, by the own clock. */
  records: SeenRecords;
}

export interface Look {
  seen: Observed;
  verdicts: ReadonlyMap<string, GroupVerdict>;
  /** The present faults, as they are remembered once something is done about them. */
  crashes: ReadonlyMap<string, Crash>;
  bootIds: ReadonlyMap<string, string | null>;
  /** Idle, and not proven to be empty. */
  unproven: ReadonlySet<string>;
  /** Of those the ones at whose GPUs nobody has looked since: a second look that shows the same proves no more. */
  unlooked: ReadonlySet<string>;
}

/** Evidence and objects → what `decide` is asked about, with the real verdicts, blame, fences and comparison of crashes. */
export function observe(known: Knowledge): Look {
  const { state, atMs } = known;
  const names = Object.keys(state.nodes);
  const ids = Object.keys(state.groups);
  const verdicts = new Map<string, GroupVerdict>();
  const crashes = new Map<string, Crash>();
  for (const id of ids) {
    const list = membersOf(state, id);
    const verdict = verdictOn(id, list, known);
    verdicts.set(id, verdict);
    if (verdict.state !== "suspect") continue;
    const own = list.flatMap((name) => known.evidence.get(name) ?? []);
    crashes.set(id, crashOf(verdict, state.groups[id]?.revision, atMs, own));
  }
  const seen: Observed = {
    atMs,
    listensSinceMs: known.listensSinceMs,
    holdsLease: known.holdsLease,
    snapshotAtMs: known.readMs,
    paused: state.service.paused ? { by: "ann" } : null,
    epoch: state.service.epoch,
    active: state.service.active,
    gateways: known.gateways,
    groups: ids.map((id) =>
      groupSeen(id, membersOf(state, id), known, verdicts.get(id) as GroupVerdict, crashes.get(id)),
    ),
    servers: names.map((name) => serverSeen(name, known, verdicts)),
    failoversMs: state.service.failoversMs,
    ...(state.service.movedMs === null ? {} : { movedMs: state.service.movedMs }),
    wantedRevision: state.service.wantedRevision,
    switchoverTo: state.service.switchoverTo,
  };
  const bootIds = new Map([...known.evidence].map(([name, { bootId }]) => [name, bootId]));
  const unproven = new Set<string>();
  const unlooked = new Set<string>();
  for (const { name, fence } of seen.servers) {
    const isolation = fence.fenced ? null : isolationOf(name, known);
    if (isolation === null) continue;
    unproven.add(name);
    if (!wasLookedAt(known.evidence.get(name), isolation)) unlooked.add(name);
  }
  return { seen, verdicts, crashes, bootIds, unproven, unlooked };
}

export function membersOf({ nodes }: ApiState, id: string): readonly string[] {
  return membersByGroup(nodes)[id] ?? [];
}

const membersByGroup = once((nodes: ApiState["nodes"]) => {
  const inOrder = Object.keys(nodes).sort((a, b) => (nodes[a]?.rank ?? 0) - (nodes[b]?.rank ?? 0));
  return Object.groupBy(inOrder, (name) => nodes[name]?.group ?? "");
});

/** Verdicts of one process, with the evidence that they were made on. */
export class Memory {
  readonly groups = new Map<string, { verdict: GroupVerdict; members: readonly ServerEvidence[] }>();
  readonly servers = new Map<string, { verdict: ServerVerdict; own: ServerEvidence }>();
}

function verdictOn(group: string, list: readonly string[], known: Knowledge): GroupVerdict {
  const members = list.flatMap((name) => known.evidence.get(name) ?? []);
  const last = known.before.groups.get(group);
  if (last !== undefined && members.length === last.members.length) {
    const isSame = members.every((own, at) => isUnchanged(own, last.members[at] as ServerEvidence, known));
    if (isSame && last.verdict.servers.every(isFinal) && members.every(isQuiet)) return last.verdict;
  }
  const everyone = [...known.evidence.values()];
  const { atMs } = known;
  const { ready = false } = known.state.groups[group] ?? {};
  const traffic = { ...(known.traffic.get(group) ?? NO_TRAFFIC), owesNone: !ready };
  const listening = { sinceMs: known.listensSinceMs, witnesses: known.witnesses };
  const verdict = groupVerdict({ group, members, everyone, traffic, atMs, previous: last?.verdict ?? null, listening });
  known.before.groups.set(group, { verdict, members });
  return verdict;
}

const NO_TRAFFIC: GroupTraffic = { lastTokenMs: null, unansweredCanarySinceMs: null };

function verdictOnServer(own: ServerEvidence, known: Knowledge): ServerVerdict {
  const last = known.before.servers.get(own.server);
  if (last !== undefined && isUnchanged(own, last.own, known) && isFinal(last.verdict)) return last.verdict;
  const verdict = serverVerdict(own, known.atMs, DEFAULT_HEALTH_RULES);
  known.before.servers.set(own.server, { verdict, own });
  return verdict;
}

/** It is heard, and has said nothing new. */
function isUnchanged(own: ServerEvidence, old: ServerEvidence, { isHeard }: Knowledge): boolean {
  const isSame = own.pieces === old.pieces && own.treatments === old.treatments && own.connection === old.connection;
  return isSame && own.bootId === old.bootId && isHeard(own.server);
}

/** No engine of it owes a token. */
export function isQuiet({ pieces, connection }: ServerEvidence): boolean {
  if (connection?.state !== "connected") return false;
  return pieces.every(({ evidence }) => evidence.kind !== "engine" || evidence.running + evidence.queued === 0);
}

/** Neither time nor a token turns it. */
export function isFinal({ heard, findings }: ServerVerdict): boolean {
  return heard && findings.every(({ confirmed, endsProcessMs }) => confirmed && endsProcessMs === undefined);
}

function groupSeen(
  id: string,
  members: readonly string[],
  known: Knowledge,
  verdict: GroupVerdict,
  crash: Crash | undefined,
): GroupObserved {
  const { state, atMs, evidence } = known;
  const object = state.groups[id] as ApiState["groups"][string];
  const run = object.replicas === 0 ? "stopped" : object.ready ? "serving" : "starting";
  const changedMs = known.records.runMs(id);
  const runSinceMs = run === "stopped" ? changedMs : Math.max(changedMs, object.readyChangedMs);
  const isSuspect = verdict.state === "suspect" && run !== "stopped";
  const { crashes, changes } = state.service;
  // What a group's last fault follows is asked of the crashes up to that one.
  const all = crash === undefined ? [] : [...crashes.filter((one) => !isSame(one, crash)), crash];
  const followed = crash === undefined || evidence.size === 0 ? null : follows(all, changes, FOLLOW_RULES);
  const { lastTokenMs, unansweredCanarySinceMs } = known.traffic.get(id) ?? NO_TRAFFIC;
  const isAnswering = unansweredCanarySinceMs === null;
  const ready = run === "serving" && verdict.state !== "suspect" && verdict.state !== "blind" && isAnswering;
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
    follows: followed?.what ?? "unknown",
    ...(followed?.twin === undefined ? {} : { twin: followed.twin }),
    restartsMs: object.restartsMs,
    revision: object.revision,
    failedRevision: object.failedRevision,
    isRevisionToBlame:
      isSuspect &&
      isRevisionToBlame(
        object.revision,
        all.filter((one) => one.group === id),
        Object.values(state.groups).map(({ servedRevision }) => servedRevision),
      ),
    takeover: { ready, reason: ready ? "" : `${run}, ${verdict.state}: ${verdict.reason}` },
    ...(lastTokenMs === null ? {} : { answeredMs: lastTokenMs }),
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
  const verdict: ServerVerdict =
    (group === null ? undefined : verdicts.get(group)?.servers.find(({ server }) => server === name)) ??
    verdictOnServer(own, known);
  const power = known.power(name);
  const { quarantine } = record;
  const isolation = isolationOf(name, known);
  const fence =
    isolation === null
      ? { fenced: false, reason: "it serves its group" }
      : fenceOf(own, isolation, power === "off" ? atMs : null);
  return {
    name,
    group,
    verdict: {
      state: verdict.state === "watch" ? "healthy" : verdict.state,
      // Nothing was ever heard: for as long as it was listened for.
      sinceMs: verdict.sinceMs ?? (verdict.state === "blind" ? known.listensSinceMs : atMs),
      remedy: verdict.remedy,
      reason: verdict.reason,
      heard: verdict.heard,
    },
    told: hasTold(own),
    nodeReady: node.ready,
    quarantine:
      quarantine === null ? null : { sinceMs: known.records.isolated(name)?.atMs ?? atMs, remedy: quarantine.remedy },
    fence: { fenced: fence.fenced, reason: fence.reason },
    outOfService: node.outOfService,
    bmc: known.hasBmc(name),
    power,
    powerOffAskedMs: known.records.powerOffMs(name),
    treated: treatedOf(record.treated, known.records.treatedMs(name), own, atMs),
    validated: record.validated,
    failedChecks: record.failedChecks,
    reserved: node.cordoned,
    ...(isResetDue(verdict) ? { resetDue: true } : {}),
  };
}

/** Since when it serves no group; null if it does. */
function isolationOf(name: string, { state, records, atMs }: Knowledge): Isolation | null {
  const { quarantine } = state.service.servers[name] as ServerRecord;
  if (quarantine !== null) return { atMs: records.isolated(name)?.seenMs ?? atMs, bootId: quarantine.bootId };
  const group = state.nodes[name]?.group ?? null;
  const object = group === null ? undefined : state.groups[group];
  if (group === null || object === undefined) return { atMs: Number.NEGATIVE_INFINITY, bootId: null };
  return object.replicas === 0 ? { atMs: records.runMs(group), bootId: null } : null;
}

function wasLookedAt(own: ServerEvidence | undefined, { atMs }: Isolation): boolean {
  const isLook = ({ evidence, arrivedMonoMs }: Piece) => evidence.kind === "gpus" && arrivedMonoMs >= atMs;
  return own?.pieces.some(isLook) ?? false;
}

/** A boot shows by the boot id, a reset by the end of its job. */
function treatedOf(treated: ServerRecord["treated"], beganMs: number, own: ServerEvidence, nowMs: number) {
  if (treated === null) return null;
  const { remedy, bootId, tries } = treated;
  const done = remedy === "failover-reboot" ? own.bootId !== bootId : nowMs - beganMs >= RESET_MS;
  return { remedy, atMs: beganMs, tries, done };
}
