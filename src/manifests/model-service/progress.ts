import type { ModelService, ModelServiceStatus } from "./resource.ts";

/** `stopped`: it will not get there without a person. */
export type Progress = { state: "there" } | { state: "under way" | "stopped"; why: string; fix?: string };

/**
 * How far a ModelService is on its way to what its spec asks for: the active group serves, and every group runs the wanted
 * revision. A group that waits for a server in quarantine, or for a person, is not waited for: it is no part of the change.
 * One that serves with another revision is: where only a person can get it further, the change has stopped.
 */
export function progressOf({ metadata, spec, status }: Pick<ModelService, "metadata" | "spec" | "status">): Progress {
  if (status?.conditions === undefined) return { state: "under way", why: "the reconciler has not reported yet" };
  if ((status.observedGeneration ?? 0) < (metadata.generation ?? 0)) {
    return { state: "under way", why: "the reconciler has not seen the change yet" };
  }
  const { decision } = status;
  const failed = status.groups.find(({ failedRevision }) => failedRevision === spec.revision);
  if (failed !== undefined) {
    const why = `group ${failed.id} did not turn green with revision ${spec.revision}: ${failed.reason || decision.detail}`;
    return { state: "stopped", why, fix: "set the spec back to what served before, then run the same command again" };
  }
  const serving = status.conditions.find(({ type }) => type === "Serving");
  const isServed = serving?.status === "True";
  const behind = status.groups.filter(
    (group) => !(group.run === "serving" && group.revision === spec.revision) && !isInQuarantine(group.servers, status),
  );
  const needsPerson = decision.kind === "escalate";
  const old = behind.find(({ run }) => run === "serving");
  if (isServed && needsPerson && spec.pause === undefined && old !== undefined) {
    const why = `group ${old.id} still runs revision ${old.revision}: ${decision.detail}`;
    return { state: "stopped", why, ...(decision.fix === undefined ? {} : { fix: decision.fix }) };
  }
  if (isServed && (needsPerson || spec.pause !== undefined)) return { state: "there" };
  const sentences = behind.map(({ id, run, reason, revision }) => {
    const what = run === "serving" && revision !== spec.revision ? `still runs revision ${revision}` : run;
    return `group ${id} ${what}${reason === "" ? "" : ` (${reason})`}`;
  });
  if (!isServed) {
    const why = [serving?.message || "no group serves", ...sentences, `${decision.kind}: ${decision.detail}`].join(
      "; ",
    );
    return { state: "under way", why, ...(decision.fix === undefined ? {} : { fix: decision.fix }) };
  }
  if (behind.length === 0) return { state: "there" };
  return { state: "under way", why: [...sentences, `${decision.kind}: ${decision.detail}`].join("; ") };
}

function isInQuarantine(servers: readonly string[], status: ModelServiceStatus): boolean {
  return status.servers.some(({ name, quarantine }) => quarantine !== undefined && servers.includes(name));
}
