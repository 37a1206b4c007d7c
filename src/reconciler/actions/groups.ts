import { leaderWorkerSetOf } from "../../manifests/model-service/leader-worker-set.ts";
import { GROUP_NOTES } from "../../manifests/model-service/resource.ts";
import { recordedAt } from "../observe/clock.ts";
import type { CrashNote } from "../observe/records.ts";
import type { Workload } from "../observe/workload.ts";
import { endPods } from "./delete-pods.ts";
import { groupIn } from "./group-in.ts";
import {
  type Decided,
  done,
  FIELD_MANAGER,
  type Hands,
  type Outcome,
  patchRead,
  patchWanted,
  waiting,
} from "./hands.ts";
import { runningDrill } from "./running-drill.ts";

const TIMEOUT_MS = 5_000;
const MAX_REMEMBERED = 8;

/**
 * No replica is wanted any more; the object stays, with what is remembered of the group. An empty change comes first, as it is
 * what another hand's change refuses; then the pods, for their short grace (see `endPods`); then the replicas, in one write
 * with the note that says that these exits were dealt with. LeaderWorkerSet often begins a crashed group anew at this moment.
 */
export async function stopGroup(hands: Hands, decided: Decided, id: string, why: "fault" | "change"): Promise<Outcome> {
  const { workload, workloadName } = groupIn(decided, id);
  if (workload.set === undefined || workload.run === "stopped") return waiting(`${id} is stopped already`);
  if (why === "change") {
    const busy = drainingOf(decided, id);
    if (busy > 0) return waiting(`${id} still writes ${busy} answers`);
  }
  const annotations = {
    [GROUP_NOTES.runSince]: new Date().toISOString(),
    ...(why === "fault" ? faultNotes(decided, id, workload) : {}),
  };
  const path = hands.paths.set(workloadName);
  const unchanged = await patchRead(hands, path, workload.set, {});
  const ended = await endPods(hands, decided, workload);
  await patchWanted(hands, path, unchanged, { metadata: { annotations }, spec: { replicas: 0 } });
  return done(`${id} is stopped; pods deleted: ${ended.join(", ") || "none were there"}`);
}

/** Starts a group with the wanted revision, or as it was. */
export async function startGroup(hands: Hands, decided: Decided, id: string, revision: string): Promise<Outcome> {
  const { workload, workloadName } = groupIn(decided, id);
  const { service } = decided.knowledge.cluster;
  if (workload.run !== "stopped") return waiting(`${id} is started already`);
  if (workload.set?.metadata.deletionTimestamp !== undefined) return waiting(`${workloadName} is being deleted`);
  const runSince = new Date().toISOString();
  const path = hands.paths.set(workloadName);
  if (workload.set !== undefined && revision !== service.spec.revision) {
    const annotations = { [GROUP_NOTES.runSince]: runSince };
    await patchRead(hands, path, workload.set, { metadata: { annotations }, spec: { replicas: 1 } });
    return done(`${id} starts as it was (${revision})`);
  }
  const { metadata, ...manifest } = leaderWorkerSetOf(service, id, 1);
  const { uid, resourceVersion } = workload.set?.metadata ?? {};
  hands.assertLeader();
  await hands.client.json({
    method: "PATCH",
    path,
    query: { fieldManager: FIELD_MANAGER, force: "true" },
    contentType: "application/apply-patch+yaml",
    body: {
      ...manifest,
      metadata: {
        ...metadata,
        annotations: { ...metadata.annotations, [GROUP_NOTES.runSince]: runSince },
        ...(workload.set === undefined ? {} : { uid, resourceVersion }),
      },
    },
    timeoutMs: TIMEOUT_MS,
    signal: hands.signal,
  });
  return done(`${id} starts with ${revision}`);
}

function drainingOf({ knowledge }: Decided, id: string): number {
  return knowledge.requests.get(id) ?? 0;
}

/** What the next fault will be compared with. What a drill broke on purpose says nothing about it. */
function faultNotes(decided: Decided, id: string, { notes }: Workload): Record<string, string> {
  const { knowledge, observation } = decided;
  const finding = observation.findings.get(id);
  if (finding === undefined || finding.crash === null) return {};
  const { crash, follows, group, verdict } = finding;
  const at = recordedAt(knowledge.moment, crash.atMs);
  const isSoftware = (verdict.remedy ?? "restart-group") === "restart-group";
  const isChanges = isSoftware && notes.servedRevision !== null && notes.servedRevision !== group.revision;
  const isDrills = !isChanges && runningDrill(decided) !== undefined;
  const { atMs: _, ...remembered } = crash;
  const crashes: CrashNote[] = isDrills ? [] : [{ ...remembered, at }];
  const restarts = isSoftware && !isDrills ? [new Date().toISOString()] : [];
  return {
    [GROUP_NOTES.follows]: JSON.stringify({
      ...follows,
      at,
      crashes: [...notes.crashes, ...crashes].slice(-MAX_REMEMBERED),
    }),
    [GROUP_NOTES.restarts]: JSON.stringify([...notes.restarts, ...restarts].slice(-MAX_REMEMBERED)),
    ...(group.isRevisionToBlame ? { [GROUP_NOTES.failedRevision]: group.revision } : {}),
  };
}
