import { table } from "./table.ts";

/** What `tandem status --output json` prints; every part of it is what the gateway decides on. */
export interface StackStatus {
  stack: string;
  model: string;
  active: string | null;
  standby: string | null;
  epoch: number;
  /** `use`: requests go to `active`; `hold`: no group can be used, streams wait; `shed`: new requests are refused. */
  choice: "use" | "hold" | "shed";
  reason: string;
  groups: Record<string, { servers: string[]; state: string; reason: string; requests: number }>;
  gateway: { url: string; replicas: Record<string, "answers" | "silent"> };
  lastFailover: { at: string; from: string; to: string; reason: string; gapMs: number | null; carried: number } | null;
  takeover: { ready: boolean; reasons: string[] };
}

/** A failover would work now if a group that does not serve has nothing against it. */
export function takeoverOf({ active, groups }: Pick<StackStatus, "active" | "groups">): StackStatus["takeover"] {
  const others = Object.entries(groups).filter(([id]) => id !== active);
  if (others.length === 0) return { ready: false, reasons: ["there is no second group"] };
  const reasons = others.map(([id, { state, reason }]) => (state === "clear" ? null : `group ${id}: ${reason}`));
  const against = reasons.filter((reason) => reason !== null);
  return { ready: against.length < others.length, reasons: against };
}

/** The same for a person: what is wrong or pending comes first. */
export function statusText(status: StackStatus): string {
  const { stack, model, epoch, choice, reason, groups, active, standby, lastFailover, gateway, takeover } = status;
  const silent = Object.entries(gateway.replicas).flatMap(([server, state]) => (state === "silent" ? [server] : []));
  const rows = Object.entries(groups).map(([id, { servers, state, reason: why, requests }]) => [
    id,
    id === active ? "active" : id === standby ? "standby" : "-",
    state,
    servers.join(", "),
    String(requests),
    id === active ? "" : state === "clear" ? "yes" : `no: ${why}`,
  ]);
  return [
    ...(choice === "use" ? [] : [`${choice === "hold" ? "HOLDING" : "REFUSING"} REQUESTS: ${reason}`]),
    ...(takeover.ready ? [] : [`NO TAKEOVER POSSIBLE: ${takeover.reasons.join("; ")}`]),
    ...(silent.length > 0 ? [`gateway on ${silent.join(", ")} does not answer`] : []),
    `${stack} · ${model} · epoch ${epoch} · ${gateway.url}`,
    lastFailover === null ? "no failover since the gateway started" : failoverLine(lastFailover),
    "",
    ...table([["GROUP", "ROLE", "STATE", "SERVERS", "REQUESTS", "CAN TAKE OVER"], ...rows], ""),
    "",
    `decision  ${reason}`,
    "",
  ].join("\n");
}

function failoverLine({ at, from, to, reason, gapMs, carried }: NonNullable<StackStatus["lastFailover"]>): string {
  const streams =
    gapMs === null ? "no stream was running" : `${carried} streams carried on after ${seconds(gapMs)} at most`;
  return `last failover ${at}  ${from} -> ${to}  ${streams}\n  ${reason}`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}
