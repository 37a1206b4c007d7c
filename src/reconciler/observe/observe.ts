import type { GroupObserved, Observed, ServerObserved } from "../../failover/observed.ts";
import type { Crash } from "../../health/follows.ts";
import { healthRules } from "../../health/rules.ts";
import type { ServerEvidence } from "../../health/server-evidence.ts";
import type { ServerVerdict } from "../../health/server-verdict.ts";
import type { MoveStatus } from "../../manifests/model-service/resource.ts";
import { type Moment, monotonicOf } from "./clock.ts";
import type { Knowledge } from "./knowledge.ts";
import { type GroupFinding, observeGroup } from "./observe-group.ts";
import { observeServer } from "./observe-server.ts";
import { withTreatments } from "./treatments.ts";
import { type Workload, workloadOf } from "./workload.ts";

/** What decisions are made on, and what status and actions need besides. */
export interface Observation {
  observed: Observed;
  verdicts: { servers: Map<string, ServerVerdict>; groups: Map<string, GroupFinding["verdict"]> };
  findings: Map<string, GroupFinding>;
  workloads: Map<string, Workload>;
  /** With what was done about it, as the verdicts were made on it. */
  evidence: ReadonlyMap<string, ServerEvidence>;
}

/** Everything that is known, as one value: the same knowledge always gives the same observation. */
export function observe(knowledge: Knowledge): Observation {
  const { moment, cluster, holdsLease, gateways } = knowledge;
  const { spec, status } = cluster.service;
  const rules = healthRules(spec.failover.xids, spec.failover.longestStepMs);
  const workloads = new Map(spec.groups.map((group) => [group.id, workloadOf(cluster, group)]));
  const groupOfServer = new Map(
    [...workloads].flatMap(([id, { members }]) => members.map((name): [string, string] => [name, id])),
  );
  const workloadFor = (name: string) => workloads.get(groupOfServer.get(name) ?? "");
  const runOf = (name: string) => knowledge.runs.get(groupOfServer.get(name) ?? "");
  const evidence = new Map<string, ServerEvidence>(
    Object.keys(spec.servers).map((name) => {
      const node = cluster.nodes.get(name);
      return [name, withTreatments(knowledge, name, node, workloadFor(name), runOf(name))];
    }),
  );

  const servers: ServerObserved[] = [];
  const serverVerdicts = new Map<string, ServerVerdict>();
  for (const [name, known] of evidence) {
    const { server, verdict } = observeServer(name, knowledge, known, runOf(name), rules);
    servers.push(server);
    serverVerdicts.set(name, verdict);
  }

  const crashes = crashesOf(workloads, knowledge);
  const served = [...workloads.values()].map(({ notes }) => notes.servedRevision);
  const groups: GroupObserved[] = [];
  const findings = new Map<string, GroupFinding>();
  for (const group of spec.groups) {
    const workload = workloads.get(group.id) as Workload;
    const found = observeGroup(group, workload, knowledge, evidence, crashes, served, rules);
    groups.push(found.group);
    findings.set(group.id, found);
  }
  const { request } = spec;
  const isOpen = request !== undefined && status?.handledRequest?.id !== request.id;
  return {
    workloads,
    evidence,
    findings,
    verdicts: {
      servers: serverVerdicts,
      groups: new Map([...findings].map(([id, { verdict }]) => [id, verdict])),
    },
    observed: {
      atMs: moment.monoMs,
      listensSinceMs: knowledge.listeningSinceMs,
      holdsLease,
      snapshotAtMs: cluster.atMs,
      paused: spec.pause === undefined ? null : { by: spec.pause.by },
      epoch: status?.epoch ?? 0,
      active: status?.active ?? spec.initialActive,
      gateways,
      groups,
      servers,
      failoversMs: (status?.moves ?? [])
        .filter(({ why, drill }) => (why === "adopt" || why === "failover") && drill === undefined)
        .map(({ at }) => monotonicOf(moment, at)),
      ...movedOf(status?.moves, moment),
      wantedRevision: spec.revision,
      switchoverTo: isOpen && request.kind === "switchover" ? request.target : null,
    },
  };
}

function movedOf(moves: readonly MoveStatus[] = [], moment: Moment): Pick<Observed, "movedMs"> {
  const last = moves.findLast(({ from, to }) => from !== to);
  return last === undefined ? {} : { movedMs: monotonicOf(moment, last.at) };
}

/** Of all groups, oldest first: a crash that goes from one to the other came with the work. */
function crashesOf(workloads: ReadonlyMap<string, Workload>, { moment }: Knowledge): Crash[] {
  return [...workloads.values()]
    .flatMap(({ notes }) => notes.crashes)
    .map(({ at, ...crash }) => ({ ...crash, atMs: monotonicOf(moment, at) }))
    .sort((a, b) => a.atMs - b.atMs);
}
