import { z } from "zod";
import { REMEDIES } from "../../health/remedy.ts";
import type { LiveObject } from "../../kube/objects.ts";
import {
  GROUP_NOTES,
  LAST_TREATMENT,
  QUARANTINE,
  type QuarantineRecord,
} from "../../manifests/model-service/resource.ts";

const time = z.iso.datetime();
const remedy = z.enum(REMEDIES);
const Treated = z.object({
  remedy,
  at: time,
  bootId: z.string().optional(),
  tries: z.int().min(1).optional(),
  after: z.object({ bootId: z.string(), sequence: z.int() }).optional(),
});
const Quarantine = z.looseObject({
  since: time,
  remedy,
  reason: z.string(),
  bootId: z.string().nullable(),
  powerOffAskedAt: time.optional(),
  poweredOffAt: time.optional(),
  treated: Treated.optional(),
  validatedAt: time.optional(),
  objectionsSince: time.optional(),
  failedChecks: z.object({ count: z.int().min(1), what: z.string() }).optional(),
});

/** One end of a group as it is remembered on its LeaderWorkerSet (`Crash` of src/health/follows.ts, in wall time). */
export interface CrashNote {
  group: string;
  server: string | null;
  at: string;
  fingerprint: string;
  remedy: (typeof REMEDIES)[number];
  revision?: string | undefined;
  inSilence?: true | undefined;
}

const Crashed = z.object({
  group: z.string(),
  server: z.string().nullable(),
  at: time,
  fingerprint: z.string(),
  remedy,
  revision: z.string().optional(),
  inSilence: z.literal(true).optional(),
});
const Follows = z.looseObject({
  what: z.enum(["server", "workload", "unknown"]),
  reason: z.string(),
  at: time,
  crashes: z.array(Crashed).default([]),
});

/** What is remembered of a group on its LeaderWorkerSet. */
export interface GroupNotes {
  revision: string | null;
  failedRevision: string | null;
  /** The last revision that it served with. */
  servedRevision: string | null;
  runSince: string | null;
  restarts: string[];
  crashes: CrashNote[];
}

/** Null for a server in service. A record that cannot be read keeps the server out: somebody wrote it for a reason. */
export function quarantineOf({ metadata }: LiveObject): QuarantineRecord | null {
  const text = metadata.annotations?.[QUARANTINE];
  if (text === undefined) return null;
  const found = Quarantine.safeParse(parse(text));
  if (found.success) return found.data as QuarantineRecord;
  const since = String(metadata.creationTimestamp ?? new Date(0).toISOString());
  return { since, remedy: "failover-support", reason: "its record cannot be read", bootId: null };
}

/** What was last done about a server, also about one that is in service again; undefined where nothing ever was. */
export function treatmentOf(node: LiveObject, record = quarantineOf(node)): QuarantineRecord["treated"] {
  if (record?.treated !== undefined) return record.treated;
  const text = node.metadata.annotations?.[LAST_TREATMENT];
  return Treated.safeParse(parse(text)).data as QuarantineRecord["treated"];
}

export function notesOf(set: LiveObject | undefined): GroupNotes {
  const notes = set?.metadata.annotations ?? {};
  const restarts = z.array(time).safeParse(parse(notes[GROUP_NOTES.restarts]));
  const follows = Follows.safeParse(parse(notes[GROUP_NOTES.follows]));
  return {
    revision: notes[GROUP_NOTES.revision] ?? null,
    failedRevision: notes[GROUP_NOTES.failedRevision] ?? null,
    servedRevision: notes[GROUP_NOTES.servedRevision] ?? null,
    runSince: time.safeParse(notes[GROUP_NOTES.runSince]).data ?? null,
    restarts: restarts.success ? restarts.data : [],
    crashes: follows.success ? follows.data.crashes : [],
  };
}

function parse(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
