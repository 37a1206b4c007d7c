import type { ModelService, ModelServiceStatus } from "../manifests/model-service/resource.ts";
import { table } from "./table.ts";
import { wrap } from "./wrap.ts";

/** A request that the reconciler has not answered. */
export function isOpen({ spec, status }: ModelService): boolean {
  return spec.request !== undefined && status?.handledRequest?.id !== spec.request.id;
}

/** What `tandem explain decision --output json` prints: the words that the reconciler itself decides by. */
export function decisionData(service: ModelService) {
  const { spec, status } = service;
  return {
    paused: spec.pause ?? null,
    request:
      spec.request === undefined
        ? null
        : { ...spec.request, open: isOpen(service), answer: status?.handledRequest ?? null },
    decision: status?.decision ?? null,
    active: status?.active ?? null,
    epoch: status?.epoch ?? null,
    groups: status?.groups ?? [],
    servers: status?.servers ?? [],
    takeover: status?.takeover ?? null,
  };
}

/** "Why are you not acting?": what stops it first, then what it waits for, then every group and server with its reason. */
export function decisionText(service: ModelService, atMs: number): string {
  const { spec, status } = service;
  const { pause, request } = spec;
  if (status === undefined)
    return "no reconciler has reported yet: see its pods with kubectl get pods -l app.kubernetes.io/name=reconciler\n";
  const { decision } = status;
  return [
    ...(pause === undefined
      ? []
      : [`PAUSED by ${pause.by} ${ago(pause.at, atMs)}: ${pause.reason}`, "  nothing is done until: tandem resume"]),
    ...(request !== undefined && isOpen(service)
      ? [`asked  ${request.kind} ${request.target}, by ${request.by} ${ago(request.at, atMs)}, not done yet`]
      : []),
    `${decision.kind.padEnd(8)} ${decision.reason}, since ${ago(decision.since, atMs)}${decision.kind !== "wait" || decision.until === undefined ? "" : `, until ${decision.until}`}`,
    ...wrap(decision.detail, "  "),
    ...(decision.kind !== "escalate" || decision.fix === undefined ? [] : [`  to do: ${decision.fix}`]),
    "",
    ...groupLines(status),
    "",
    ...serverLines(status),
    "",
  ].join("\n");
}

function groupLines({ groups, takeover, standby }: ModelServiceStatus): string[] {
  const rows = groups.map(({ id, role, run, verdict, reason, servers }) => [
    id,
    role,
    run,
    verdict,
    servers.join(", "),
    id !== standby ? "" : takeover.ready ? "yes" : "no",
    reason,
  ]);
  const why = takeover.ready ? [] : takeover.reasons.flatMap((reason) => wrap(reason, "  no takeover: "));
  return [...table([["GROUP", "ROLE", "RUN", "VERDICT", "SERVERS", "TAKEOVER", "WHY"], ...rows], ""), ...why];
}

function serverLines({ servers }: ModelServiceStatus): string[] {
  const rows = servers.map(({ name, group, verdict, reason, quarantine, fence }) => [
    name,
    group ?? "-",
    verdict,
    quarantine === undefined ? "" : fence?.fenced === true ? "fenced" : "isolated",
    [
      quarantine === undefined ? reason : `needs ${quarantine.remedy}: ${quarantine.reason}`,
      fence === undefined || fence.fenced ? "" : `not fenced: ${fence.reason}`,
    ]
      .filter((part) => part !== "")
      .join("; "),
  ]);
  return table([["SERVER", "GROUP", "VERDICT", "STATE", "WHY"], ...rows], "");
}

/** One group, or one server, alone: the rows of the tables as sentences. Undefined where there is none of that name. */
export function explainPart({ status }: ModelService, kind: "group" | "server", name: string): string | undefined {
  if (status === undefined) return undefined;
  if (kind === "group") {
    const group = status.groups.find(({ id }) => id === name);
    if (group === undefined) return undefined;
    const ladder = name === status.standby ? ladderLines(status) : [];
    const failed =
      group.failedRevision === undefined ? [] : [`it did not turn green with revision ${group.failedRevision}`];
    return [
      `group ${name} is ${group.role}, ${group.run} on ${group.servers.join(", ")} since ${group.since}`,
      `${group.verdict}: ${group.reason}`,
      `revision ${group.revision}`,
      ...failed,
      ...ladder,
      "",
    ].join("\n");
  }
  const server = status.servers.find((one) => one.name === name);
  if (server === undefined) return undefined;
  const { quarantine, fence } = server;
  return [
    `server ${name} is ${server.group === null ? "in no group" : `in group ${server.group}`}`,
    `${server.verdict}: ${server.reason}`,
    ...(quarantine === undefined
      ? []
      : [`out of service since ${quarantine.since}, needs ${quarantine.remedy}: ${quarantine.reason}`]),
    ...(fence === undefined ? [] : [`${fence.fenced ? "fenced" : "not fenced"}: ${fence.reason}`]),
    "",
  ].join("\n");
}

/** The rungs of takeover readiness, each with the time at which it was last proved. */
export function ladderLines({ takeover }: Pick<ModelServiceStatus, "takeover">): string[] {
  const rows = takeover.rungs.map(({ name, ok, provenAt, detail }) => [
    ok ? "yes" : "NO",
    name,
    provenAt ?? "never",
    detail,
  ]);
  return rows.length === 0 ? takeover.reasons : table([["HOLDS", "RUNG", "LAST PROVED", "WHAT"], ...rows], "");
}

/** `12 s ago`, `3 h ago`. */
export function ago(at: string, nowMs: number): string {
  const seconds = Math.max(0, Math.round((nowMs - Date.parse(at)) / 1000));
  if (!Number.isFinite(seconds)) return at;
  if (seconds < 120) return `${seconds} s ago`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min ago`;
  return seconds < 172_800 ? `${Math.round(seconds / 3_600)} h ago` : `${Math.round(seconds / 86_400)} days ago`;
}
