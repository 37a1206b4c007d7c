import type {
  DecisionStatus,
  GroupStatus,
  ModelService,
  ModelServiceRequest,
  MoveStatus,
  ServerStatus,
  TakeoverStatus,
} from "../manifests/model-service/resource.ts";
import { isOpen } from "./decision.ts";
import type { Leadership } from "./leadership.ts";

/** What a gateway replica told of itself (`GET /status` of its admin port), as far as it is shown. */
export interface GatewayAnswer {
  active: string | null;
  standby: string | null;
  epoch: number;
  choice: "use" | "hold" | "shed";
  reason: string;
  model: string;
  groups: Record<string, { servers: string[]; state: string; reason: string; requests: number }>;
  lastFailover: (LastFailover & { carried: number }) | null;
}

interface LastFailover {
  at: string;
  from: string;
  to: string;
  reason: string;
  /** The longest pause of a stream that was carried on; null where none was, or where no gateway remembers. */
  gapMs: number | null;
  /** Streams that were carried on; null where no gateway remembers: the ModelService does not count them. */
  carried: number | null;
}

/** What `tandem status --output json` prints. */
export interface StackStatus {
  stack: string;
  model: string;
  /** As the ModelService has it, so that `kubectl get modelservice` says the same; the gateways' own word while it is not heard. */
  active: string | null;
  standby: string | null;
  epoch: number;
  /** `use`: requests go to a group; `hold`: none can be used, streams wait; `shed`: new requests are refused; `silent`: no gateway answers. */
  choice: GatewayAnswer["choice"] | "silent";
  reason: string;
  groups: Record<string, { servers: string[]; state: string; reason: string; requests: number }>;
  gateway: {
    url: string;
    replicas: Record<string, "answers" | "silent">;
    /** The group that each replica sends requests to; null while it sends them nowhere. */
    uses: Record<string, string | null>;
  };
  lastFailover: LastFailover | null;
  takeover: { ready: boolean; reasons: string[]; rungs: TakeoverStatus["rungs"] };
  /** The reconciler's side, by the ModelService; null while the API server is away or nobody has reported. */
  reconciler: ReconcilerSide | null;
  /** Why there is no such side. */
  reconcilerMissing: string | null;
  /** Whether anybody looks after the stack; null where that is not known, or was not asked. */
  lease: Leadership | null;
  /** Why it is not known. */
  leaseMissing: string | null;
}

export interface ReconcilerSide {
  mode: "automatic" | "manual";
  paused: { by: string; at: string; reason: string } | null;
  request: ModelServiceRequest | null;
  serving: boolean;
  redundancy: string;
  decision: DecisionStatus;
  groups: GroupStatus[];
  servers: ServerStatus[];
}

export interface StatusSources {
  stack: string;
  url: string;
  model: string;
  /** By replica; an Error for one that does not answer. */
  replicas: Readonly<Record<string, GatewayAnswer | Error>>;
  /** What answers at the address that clients use. */
  holder: GatewayAnswer | Error;
  /** An Error where it could not be read. */
  service: ModelService | Error;
  /** An Error where it could not be read; missing where nobody asked. */
  lease?: Leadership | Error;
}

/** Joins what the gateways and the ModelService say. Where both know, the ModelService is shown, and a difference told. */
export function joinStatus({ stack, url, model, replicas, holder, service, lease }: StatusSources): StackStatus {
  const [heard = null] = [holder, ...Object.values(replicas)].flatMap((one) => (one instanceof Error ? [] : [one]));
  const told = service instanceof Error ? null : (service.status ?? null);
  const groups = groupsOf(heard, told?.groups ?? []);
  const active = told?.active ?? heard?.active ?? null;
  return {
    stack,
    model: heard?.model ?? model,
    active,
    standby: told === null ? (heard?.standby ?? null) : (told.standby ?? null),
    epoch: told?.epoch ?? heard?.epoch ?? 0,
    choice: heard?.choice ?? "silent",
    reason: heard?.reason ?? `${holder instanceof Error ? holder.message : "none was asked"}`,
    groups,
    gateway: {
      url,
      replicas: mapped(replicas, (one) => (one instanceof Error ? ("silent" as const) : ("answers" as const))),
      uses: mapped(replicas, (one) => (one instanceof Error ? null : one.active)),
    },
    lastFailover: heard?.lastFailover ?? failoverAmong(told?.moves ?? []),
    takeover: told?.takeover ?? { ...takeoverOf({ active, groups }), rungs: [] },
    reconciler: service instanceof Error || told === null ? null : sideOf(service, told),
    reconcilerMissing:
      service instanceof Error ? service.message : told === null ? "no reconciler has reported yet" : null,
    lease: lease instanceof Error ? null : (lease ?? null),
    leaseMissing: lease instanceof Error ? lease.message : null,
  };
}

/** What a gateway forgets when it starts anew; planned moves, and gateways that disagreed, are no failover. */
function failoverAmong(moves: readonly MoveStatus[]): LastFailover | null {
  const last = moves.findLast(({ why, from, to }) => (why === "failover" || why === "adopt") && from !== to);
  if (last === undefined) return null;
  const { at, from, to, reason } = last;
  return { at, from, to, reason, gapMs: null, carried: null };
}

function sideOf(service: ModelService, told: NonNullable<ModelService["status"]>): ReconcilerSide {
  const { spec } = service;
  return {
    mode: spec.failover.mode,
    paused: spec.pause ?? null,
    request: isOpen(service) ? (spec.request ?? null) : null,
    serving: told.conditions.some(({ type, status }) => type === "Serving" && status === "True"),
    redundancy: told.redundancy,
    decision: told.decision,
    groups: told.groups,
    servers: told.servers,
  };
}

function groupsOf(heard: GatewayAnswer | null, told: readonly GroupStatus[]): StackStatus["groups"] {
  const ids = [...new Set([...told.map(({ id }) => id), ...Object.keys(heard?.groups ?? {})])].sort();
  return Object.fromEntries(
    ids.map((id) => {
      const seen = heard?.groups[id];
      const known = told.find((group) => group.id === id);
      const servers = known?.servers ?? seen?.servers ?? [];
      // A group that does not run is no news to the gateway's eyes alone.
      const state = known === undefined || known.run === "serving" ? (seen?.state ?? known?.verdict ?? "") : known.run;
      const reason = seen?.reason || known?.reason || "";
      return [id, { servers, state, reason, requests: seen?.requests ?? 0 }];
    }),
  );
}

/** By the gateways' eyes alone, a failover would work now if a group that does not serve has nothing against it. */
export function takeoverOf({
  active,
  groups,
}: Pick<StackStatus, "active" | "groups">): Pick<StackStatus["takeover"], "ready" | "reasons"> {
  const others = Object.entries(groups).filter(([id]) => id !== active);
  if (others.length === 0) return { ready: false, reasons: ["there is no second group"] };
  const reasons = others.map(([id, { state, reason }]) => (state === "clear" ? null : `group ${id}: ${reason}`));
  const against = reasons.filter((reason) => reason !== null);
  return { ready: against.length < others.length, reasons: against };
}

function mapped<From, To>(record: Readonly<Record<string, From>>, to: (value: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, to(value)]));
}
