import type { Decision } from "../failover/decision.ts";
import { isIntact } from "../failover/intact.ts";
import type {
  DecisionStatus,
  GroupStatus,
  ModelService,
  ModelServiceStatus,
  QuarantineRecord,
  ServerStatus,
  ServiceCondition,
  TakeoverStatus,
} from "../manifests/model-service/resource.ts";
import { type Moment, recordedAt } from "./observe/clock.ts";
import type { Knowledge } from "./observe/knowledge.ts";
import type { Observation } from "./observe/observe.ts";
import { quarantineOf } from "./observe/records.ts";

/** What the status should say now. Who is active, and the moves, are written by the step that moves, and are kept as they are. */
export function statusOf(
  { cluster, moment }: Knowledge,
  { observed, verdicts, findings }: Observation,
  decision: Decision,
  takeover: TakeoverStatus,
  { active, epoch, moves }: Pick<ModelServiceStatus, "active" | "epoch" | "moves">,
): ModelServiceStatus {
  const { service, nodes } = cluster;
  const before = service.status;
  const groups = observed.groups.map((group): GroupStatus => {
    const verdict = findings.get(group.id)?.verdict;
    return {
      id: group.id,
      role: group.id === active ? "active" : "standby",
      servers: [...group.members],
      run: group.run,
      since: keptTime(
        before?.groups?.find(({ id }) => id === group.id),
        group.run,
        moment,
      ),
      verdict: group.run === "stopped" ? "healthy" : (verdict?.state ?? "healthy"),
      reason: group.verdict.reason,
      revision: group.revision,
      ...(group.failedRevision === null ? {} : { failedRevision: group.failedRevision }),
    };
  });
  const servers = observed.servers.map((server): ServerStatus => {
    const verdict = verdicts.servers.get(server.name);
    const node = nodes.get(server.name);
    const record = node === undefined ? null : quarantineOf(node);
    return {
      name: server.name,
      group: server.group,
      verdict: verdict?.state ?? "blind",
      reason: verdict?.reason ?? "",
      ...(record === null
        ? {}
        : {
            quarantine: { since: record.since, remedy: record.remedy, reason: whyOut(record) },
            fence: server.fence,
          }),
    };
  });
  const intact = observed.groups.filter(isIntact);
  return {
    observedGeneration: service.metadata.generation ?? 0,
    active,
    standby: observed.groups.find(({ id }) => id !== active)?.id ?? null,
    epoch,
    redundancy: `${intact.length}/${observed.groups.length} groups`,
    groups,
    servers,
    decision: decisionStatus(decision, before?.decision, moment),
    moves,
    takeover,
    ...(before?.handledRequest === undefined ? {} : { handledRequest: before.handledRequest }),
    conditions: conditionsOf(service, { ...observed, active }, decision, takeover, moment),
  };
}

/** Why it is out of service, and what the checks had against it since it was treated. */
function whyOut({ reason, failedChecks }: QuarantineRecord): string {
  if (failedChecks === undefined) return reason;
  return `${reason}; its check failed${failedChecks.count > 1 ? ` ${failedChecks.count} times` : ""}: ${failedChecks.what}`;
}

function keptTime(before: GroupStatus | undefined, run: GroupStatus["run"], { wallMs }: Moment): string {
  return before?.run === run ? before.since : new Date(wallMs).toISOString();
}

function decisionStatus(decision: Decision, before: DecisionStatus | undefined, moment: Moment): DecisionStatus {
  const { kind, reason, detail } = decision;
  const stands = before?.kind === kind && before.reason === reason;
  return {
    kind,
    reason,
    detail,
    since: stands ? before.since : new Date(moment.wallMs).toISOString(),
    ...(decision.kind === "wait" ? { until: recordedAt(moment, decision.untilMs) } : {}),
    ...(decision.kind === "escalate" ? { fix: decision.fix } : {}),
  };
}

function conditionsOf(
  { spec, status, metadata }: ModelService,
  { groups, active }: Observation["observed"],
  decision: Decision,
  takeover: TakeoverStatus,
  { wallMs }: Moment,
): ServiceCondition[] {
  const current = groups.find(({ id }) => id === active);
  const intact = groups.filter(isIntact);
  const broken = groups.filter((group) => !isIntact(group));
  const why = (group: (typeof groups)[number]) => `${group.id}: ${group.run}, ${group.verdict.reason}`;
  const serving = current !== undefined && isIntact(current);
  const redundant = intact.length > 1 && broken.length === 0;
  const told: Omit<ServiceCondition, "lastTransitionTime">[] = [
    {
      type: "Serving",
      status: serving ? "True" : "False",
      reason: serving ? "ActiveServes" : "ActiveDoesNotServe",
      message: current === undefined ? `there is no group ${active}` : why(current),
    },
    {
      type: "Redundant",
      status: redundant ? "True" : "False",
      reason: redundant ? "EveryGroupServes" : groups.length < 2 ? "OneGroup" : "GroupBroken",
      message: redundant
        ? `${intact.length} groups serve`
        : `${broken.map(why).join("; ") || "there is one group"}; ${decision.kind}: ${decision.detail}`,
    },
    takeoverCondition(takeover),
    {
      type: "Paused",
      status: spec.pause === undefined ? "False" : "True",
      reason: spec.pause === undefined ? "Automatic" : "PausedByPerson",
      message: spec.pause === undefined ? "" : `by ${spec.pause.by} since ${spec.pause.at}: ${spec.pause.reason}`,
    },
  ];
  return told.map((condition) => {
    const before = status?.conditions?.find(({ type }) => type === condition.type);
    const lastTransitionTime =
      before?.status === condition.status ? before.lastTransitionTime : new Date(wallMs).toISOString();
    return { ...condition, lastTransitionTime, observedGeneration: metadata.generation ?? 0 };
  });
}

/** The condition that says the same as `takeover`, without its times. */
export function takeoverCondition({
  ready,
  reasons,
}: TakeoverStatus): Pick<ServiceCondition, "type" | "status" | "reason" | "message"> {
  return {
    type: "TakeoverReady",
    status: ready ? "True" : "False",
    reason: ready ? "Proven" : "NotProven",
    message: reasons.join("; ") || "a failover would work now",
  };
}

/**
 * Whether two statuses differ in more than times and the figures of their sentences, or, `exactly`, in anything. The API server gives
 * fields back in its own order, and without those that are null.
 */
export function differs(before: ModelServiceStatus | undefined, now: ModelServiceStatus, exactly = false): boolean {
  return canonical(before, exactly) !== canonical(now, exactly);
}

/** Whether a condition turns, which people and scripts wait for. */
export function turns(before: ModelServiceStatus, now: ModelServiceStatus): boolean {
  const states = ({ conditions }: ModelServiceStatus) =>
    conditions.map(({ type, status }) => `${type} ${status}`).sort();
  return states(before).join() !== states(now).join();
}

const FIGURES = /\d+(?:\.\d+)? (ms|s|nats)\b/g;

function canonical(status: ModelServiceStatus | undefined, exactly: boolean): string {
  return JSON.stringify(status, (key, value) => {
    if (value === null || (key === "until" && !exactly)) return undefined;
    // What is seen is proved anew every second: written each time, an idle cluster would never rest.
    if (key === "provenAt" && !exactly) return true;
    if (typeof value === "string") return exactly ? value : value.replaceAll(FIGURES, "");
    if (typeof value !== "object" || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
