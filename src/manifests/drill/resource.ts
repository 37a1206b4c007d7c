/** What a drill, or a real failover, leaves in the cluster. Its CRD is `src/manifests/drill/crd.ts`. */
export const DRILL = { apiVersion: "tandem.dev/v1alpha1", kind: "Drill" } as const;

/** Values of fields, listed once: the types below and the CRD's schema are made of them. */
export const DRILL_KINDS = ["drill", "failover"] as const;
export const DRILL_RESULTS = ["Passed", "Failed", "Aborted", "Recovered", "NotRecovered"] as const;

/**
 * Label with how far a Drill is: one that runs is looked for by it, without the records of those that ended. `ending`: the
 * drill has undone its fault and waits for the reconciler's part of the record.
 */
export const DRILL_STATE = "tandem.dev/drill-state";
export type DrillState = "running" | "ending" | "ended";

/** Records of one ModelService that are kept; those that ended first go first. */
export const KEEP_DRILLS = 20;
/** Of each part of a record, as base64 of gzip. Two of them and the summary stay well below the 1.5 MiB of etcd. */
export const MAX_RECORD_CHARS = 250_000;

export interface Drill {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    uid?: string;
    resourceVersion?: string;
    labels?: Record<string, string>;
    [field: string]: unknown;
  };
  spec: DrillSpec;
  status?: DrillStatus;
  record?: DrillRecordParts;
}

/** All times are ISO 8601. */
export interface DrillSpec {
  /** Name of the ModelService. */
  service: string;
  kind: (typeof DRILL_KINDS)[number];
  /** Of `tandem drill list`; `failover` for a real one. */
  scenario: string;
  /** The server, or the gateway, that it happens to. */
  victim?: string;
  by: string;
  startedAt: string;
  /** Whoever ran it has ended by then, or was killed. Moves after it are no drill's. */
  until: string;
}

export interface DrillStatus {
  result: (typeof DRILL_RESULTS)[number];
  /** The longest time that a client waited for its next token. */
  gapSeconds?: number;
  /** The report as `report.json` of the record's folder has it, as text: its layout has a number of its own. */
  summary: string;
  endedAt: string;
}

/** Lines of JSON, each part by whoever has it, as base64 of gzip; `src/kube/packed-lines.ts` reads and writes them. */
export interface DrillRecordParts {
  /** Every frame of the agents, with its sequence number. */
  evidence?: string;
  /** Choices of the gateway with all that they were made on. */
  gateway?: string;
  /** Decisions of the reconciler, likewise. */
  reconciler?: string;
}

/** Kubernetes wants lower case in names. */
export function drillName(id: string): string {
  return id.toLowerCase();
}

/** `2026-11-28T04-10-00Z-server-power`: sorts by time, and names folders and objects. */
export function recordId(startedAt: string, scenario: string): string {
  return `${startedAt.replaceAll(":", "-").replace(/\..*/, "Z")}-${scenario}`;
}
