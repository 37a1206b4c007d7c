import { z } from "zod";
import type { Evidence } from "./evidence.ts";
import { RECOVERY_ACTIONS } from "./kernel-line.ts";
import { once } from "./once.ts";

const text = z.string().max(4096);
const name = z.string().max(256);
const count = z.number().int().nonnegative();
const maybe = <T extends z.ZodType>(type: T) => type.nullable().default(null);

const at = { pci: name, text, sequence: count, uptimeUs: z.number().nonnegative() };
const line = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("xid"), code: count, ...at }),
  z.object({ kind: z.literal("sxid"), code: count, fatal: z.boolean(), ...at }),
  z.object({ kind: z.literal("recovery-action"), action: z.enum(RECOVERY_ACTIONS), ...at }),
]);

const gpu = z.object({
  index: count,
  pci: name,
  uuid: name,
  temperatureC: maybe(z.number()),
  powerW: maybe(z.number()),
  throttle: z.array(name).max(64).default([]),
  eccUncorrected: maybe(z.number()),
  remappedRowsPending: maybe(z.boolean()),
  remappedRowsFailure: maybe(z.boolean()),
  pcieWidth: maybe(z.number()),
  pcieWidthMax: maybe(z.number()),
  nvlinksActive: maybe(z.number()),
  recoveryAction: maybe(name),
  processIds: z.array(count).max(4096).default([]),
});

const owner = { group: name, pid: count };
const EvidenceSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("kernel-log"), line }),
  z.object({ kind: z.literal("gpus"), expected: count, found: count, gpus: z.array(gpu).max(64) }),
  z.object({
    kind: z.literal("monitor"),
    monitor: z.enum(["nvidia-smi", "kernel-log", "infiniband", "processes", "engine", "conditions", "storage"]),
    state: z.enum(["working", "hung", "failed"]),
    detail: text,
  }),
  z.object({
    kind: z.literal("link"),
    device: name,
    port: count,
    state: z.enum(["up", "down"]),
    downCount: count,
    rateGbps: maybe(z.number()),
  }),
  z.object({
    kind: z.literal("rank"),
    rank: count,
    startedMonoMs: z.number().optional(),
    state: z.enum(["running", "stopped", "exited"]),
    ...owner,
  }),
  z.object({ kind: z.literal("engine-process"), state: z.enum(["running", "exited"]), ...owner }),
  z.object({
    kind: z.literal("engine"),
    group: name,
    instance: name,
    state: z.enum(["starting", "serving", "unhealthy", "unreachable"]),
    tokensTotal: z.number().nonnegative(),
    decodedTotal: z.number().nonnegative().optional(),
    running: count,
    queued: count,
  }),
  z.object({
    kind: z.literal("service"),
    name: z.enum(["fabric-manager", "persistence-daemon"]),
    state: z.enum(["running", "failed", "absent"]),
    detail: text,
  }),
  z.object({
    kind: z.literal("condition"),
    type: name,
    status: z.enum(["True", "False", "Unknown"]),
    reason: text,
  }),
  z.object({
    kind: z.literal("folder"),
    folder: z.enum(["weights", "kernel-cache"]),
    path: text,
    state: z.enum(["complete", "broken", "missing"]),
    files: count,
    bytes: count,
    digest: name,
    detail: text,
  }),
  z.object({ kind: z.literal("disk"), path: text, freeBytes: count, totalBytes: count }),
  z.object({ kind: z.literal("memory"), availableBytes: count, totalBytes: count }),
]);

/**
 * Reads what an agent sent. Returns null for what this reader does not understand: a newer agent may know more kinds, and
 * one bad piece must not silence a server. Fields that are missing where the driver may not tell them become null.
 */
export function readEvidence(value: unknown): Evidence | null {
  return typeof value === "object" && value !== null ? read(value).evidence : null;
}

/** One frame is read by all who listen to its agent. */
const read = once((value: object): { evidence: Evidence | null } => {
  const result = EvidenceSchema.safeParse(value);
  return { evidence: result.success ? result.data : null };
});
