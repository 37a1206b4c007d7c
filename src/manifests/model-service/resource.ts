import type { Remedy } from "../../spec/remedies.ts";

/** The custom resource that one stack is to the cluster. Its CRD is `src/manifests/model-service/crd.ts`. */
export const MODEL_SERVICE = { apiVersion: "tandem.dev/v1alpha1", kind: "ModelService" } as const;

/** Values of fields, listed once: the types below and the CRD's schema are made of them. */
export const MODES = ["automatic", "manual"] as const;
export const REQUESTS = ["switchover", "failover", "rebuild", "drain", "return"] as const;
export const ROLES = ["active", "standby"] as const;
export const RUNS = ["stopped", "starting", "serving"] as const;
export const GROUP_VERDICTS = ["healthy", "watch", "suspect", "blind", "starting"] as const;
export const SERVER_VERDICTS = ["healthy", "watch", "suspect", "blind"] as const;
export const DECISIONS = ["hold", "wait", "escalate", "act"] as const;
export const MOVES = ["adopt", "settle", "failover", "switchover"] as const;
export const CONDITIONS = ["Serving", "Redundant", "TakeoverReady", "Paused"] as const;

export interface ModelService {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    uid?: string;
    generation?: number;
    resourceVersion?: string;
    /** Set while it is being deleted: then nothing of it is made any more. */
    deletionTimestamp?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    [field: string]: unknown;
  };
  spec: ModelServiceSpec;
  status?: ModelServiceStatus;
}

/** What Pulumi declares, and (`pause`, `request`) what people ask for by `tandem`, each under its own field manager. */
export interface ModelServiceSpec {
  /** The name that clients use. */
  model: string;
  /** Checksum of `template`: two groups with the same revision run the same image, flags and model. */
  revision: string;
  /** `spec` of a LeaderWorkerSet without anything of one group (labels, node selector, replicas); `leaderWorkerSetOf` makes a group's object of it. */
  template: Record<string, unknown>;
  groups: ModelServiceGroup[];
  /** The group that the first epoch names. */
  initialActive: string;
  servers: Record<string, ModelServiceServer>;
  /** Base URLs of the admin port of each gateway replica. */
  gateways: string[];
  failover: {
    mode: (typeof MODES)[number];
    maxPerHour: number;
    /** The plan's load time with room. */
    startWithinMs: number;
    /** The longest step that the plan expects; a longer silence of tokens is a stall. */
    longestStepMs: number;
    /** The spec's own remedies by XID. */
    xids: Record<string, Remedy>;
  };
  /** Present while a person has stopped the automation. */
  pause?: { by: string; at: string; reason: string };
  /** A planned move or an order; done when `status.handledRequest` has its id. */
  request?: ModelServiceRequest;
}

export interface ModelServiceGroup {
  id: string;
  size: number;
  /** Name of its LeaderWorkerSet. */
  workload: string;
  /** Initial membership; the present one is the nodes' label `tandem.dev/group`, repeated in the status. */
  servers: string[];
}

export interface ModelServiceServer {
  address: string;
  /** Base URL of its agent. */
  agent: string;
  /** Base URL of the engine, which answers on the server that holds the leader. */
  engine: string;
  /** Redfish service of its BMC; user and password are `NAME.user`, `NAME.password` of the Secret `tandem-bmc`. */
  bmc?: { url: string };
}

export interface ModelServiceRequest {
  /** Drawn by whoever asks. */
  id: string;
  kind: (typeof REQUESTS)[number];
  /** Group (`switchover`, `failover`, `rebuild`) or server (`drain`, `return`). */
  target: string;
  by: string;
  at: string;
}

/** What the reconciler writes. All times are ISO 8601. A null may come back as a field that is missing. */
export interface ModelServiceStatus {
  observedGeneration?: number;
  active: string;
  standby: string | null;
  /** Number of the present assignment; only ever grows. */
  epoch: number;
  /** `active/size` summary for people, e.g. `2/2 groups`. */
  redundancy: string;
  groups: GroupStatus[];
  servers: ServerStatus[];
  decision: DecisionStatus;
  /** The newest last; 20 are kept. */
  moves: MoveStatus[];
  takeover: TakeoverStatus;
  handledRequest?: { id: string; outcome: "done" | "refused"; detail: string; at: string };
  conditions: ServiceCondition[];
}

export interface GroupStatus {
  id: string;
  role: (typeof ROLES)[number];
  servers: string[];
  run: (typeof RUNS)[number];
  since: string;
  verdict: (typeof GROUP_VERDICTS)[number];
  reason: string;
  revision: string;
  failedRevision?: string;
}

export interface ServerStatus {
  name: string;
  group: string | null;
  verdict: (typeof SERVER_VERDICTS)[number];
  reason: string;
  quarantine?: { since: string; remedy: Remedy; reason: string };
  fence?: { fenced: boolean; reason: string };
}

export interface DecisionStatus {
  kind: (typeof DECISIONS)[number];
  reason: string;
  detail: string;
  /** Since when this decision stands. */
  since: string;
  until?: string;
  fix?: string;
}

export interface MoveStatus {
  at: string;
  from: string;
  to: string;
  epoch: number;
  why: (typeof MOVES)[number];
  reason: string;
  /** The drill that caused it: such a move does not use up the failover budget. */
  drill?: string;
}

export interface TakeoverStatus {
  ready: boolean;
  reasons: string[];
  /** The ladder, lowest first. */
  rungs: { name: string; ok: boolean; provenAt: string | null; detail: string }[];
}

export interface ServiceCondition {
  type: (typeof CONDITIONS)[number];
  status: "True" | "False" | "Unknown";
  reason: string;
  message: string;
  lastTransitionTime: string;
  observedGeneration?: number;
}

/** Taint (NoSchedule) and annotation (a `QuarantineRecord` as JSON) of a node that was taken out of service. */
export const QUARANTINE = "tandem.dev/quarantine";

/** What is remembered of a server in quarantine, on its node. Times are ISO 8601 of the reconciler's wall clock. */
export interface QuarantineRecord {
  since: string;
  remedy: Remedy;
  reason: string;
  /** Of the kernel when it was isolated. */
  bootId: string | null;
  powerOffAskedAt?: string;
  poweredOffAt?: string;
  /**
   * `bootId`: of the kernel that was told to end; it is heard for a moment longer. `tries`: with this remedy; 1 if missing.
   * `after`: the last line of the kernel log that a reset came after, by the kernel's own count.
   */
  treated?: {
    remedy: Remedy;
    at: string;
    bootId?: string;
    tries?: number;
    after?: { bootId: string; sequence: number };
  };
  validatedAt?: string;
  /** Since it was treated: when the checks first had something against it, how often they failed, and what they said last. */
  objectionsSince?: string;
  failedChecks?: { count: number; what: string };
}

/**
 * Annotation of a node that came back: `treated` of its last quarantine as JSON. The kernel still tells of the fault that a reset
 * has cured, and a reconciler that starts later must not take it for a new one.
 */
export const LAST_TREATMENT = "tandem.dev/last-treatment";

/** Annotations of a group's LeaderWorkerSet: what is known of the group, kept where it is read back from. */
export const GROUP_NOTES = {
  revision: "tandem.dev/revision",
  failedRevision: "tandem.dev/failed-revision",
  /** The last revision that it served with: a crash of another one is the change's. */
  servedRevision: "tandem.dev/served-revision",
  /** When `replicas` was last changed. */
  runSince: "tandem.dev/run-since",
  /** Starts after a software crash, a JSON array of times. */
  restarts: "tandem.dev/restarts",
  /** What the last fault follows, `{what, reason, at, crashes}` as JSON. */
  follows: "tandem.dev/follows",
} as const;
