import { isRevisionToBlame } from "../../failover/failed-revision.ts";
import type { GroupObserved } from "../../failover/observed.ts";
import { crashOf } from "../../health/crash-of.ts";
import { type Crash, type Follows, follows } from "../../health/follows.ts";
import { type GroupVerdict, groupVerdict } from "../../health/group-verdict.ts";
import type { HealthRules } from "../../health/rules.ts";
import { type ServerEvidence, unheard } from "../../health/server-evidence.ts";
import type { ModelServiceGroup } from "../../manifests/model-service/resource.ts";
import { monotonicOf } from "./clock.ts";
import type { Knowledge } from "./knowledge.ts";
import type { Workload } from "./workload.ts";

/** A verdict on a group together with what the reconciler itself must remember of it. */
export interface GroupFinding {
  group: GroupObserved;
  verdict: GroupVerdict;
  /** The crash that the verdict would be remembered as; null for a group that is not suspect. */
  crash: Crash | null;
  follows: Follows;
}

/** One group: its workload, and what the evidence of its servers says. `served`: what each group has served with last. */
export function observeGroup(
  spec: ModelServiceGroup,
  workload: Workload,
  knowledge: Knowledge,
  evidence: ReadonlyMap<string, ServerEvidence>,
  crashes: readonly Crash[],
  served: readonly (string | null)[],
  rules: HealthRules,
): GroupFinding {
  const { moment, traffic, previous, cluster, takeover } = knowledge;
  const { members, run, notes, pods } = workload;
  const answeredMs = knowledge.answered.get(spec.id);
  const heard = members.map((name) => evidence.get(name) ?? unheard(name));
  const verdict = groupVerdict({
    group: spec.id,
    members: heard,
    everyone: [...evidence.values()],
    traffic: traffic.get(spec.id) ?? { lastTokenMs: null, unansweredCanarySinceMs: null },
    atMs: moment.monoMs,
    rules,
    previous: previous.groups.get(spec.id) ?? null,
    listening: { sinceMs: knowledge.listeningSinceMs, witnesses: knowledge.witnesses },
  });
  const revision = notes.revision ?? cluster.service.spec.revision;
  const isEnd = verdict.state === "suspect" && run !== "stopped";
  const crash = isEnd ? crashOf(verdict, revision, moment.monoMs, heard, rules) : null;
  const own = [...crashes.filter(({ group }) => group === spec.id), ...(crash === null ? [] : [crash])];
  const lastMs = Math.max(Number.NEGATIVE_INFINITY, ...own.map(({ atMs }) => atMs));
  const followed = follows(
    [...crashes.filter(({ atMs, group }) => group !== spec.id && atMs <= lastMs), ...own],
    // One that has never served with its revision was changed just now, however long its load took.
    notes.servedRevision !== null && notes.servedRevision !== revision && own.length > 0
      ? [{ group: spec.id, atMs: lastMs, what: `revision ${revision}` }]
      : [],
  );
  const ready = run === "serving" && verdict.state !== "suspect";
  const changed = knowledge.runs.get(spec.id);
  const since = [
    ...(changed === undefined ? [] : [changed.atMs]),
    ...(run === "stopped" || workload.startedAt === null ? [] : [monotonicOf(moment, workload.startedAt)]),
  ];
  return {
    verdict,
    crash,
    follows: followed,
    group: {
      id: spec.id,
      size: spec.size,
      members,
      run,
      runSinceMs: since.length === 0 ? moment.monoMs : Math.max(...since),
      podsLeft: run === "stopped" ? pods.length : 0,
      verdict: {
        // A stopped group is meant to be silent, whatever its servers still say of it.
        state: run === "stopped" ? "healthy" : stateOf(verdict),
        sinceMs: verdict.sinceMs ?? moment.monoMs,
        remedy: verdict.remedy,
        reason: run === "stopped" ? "stopped" : verdict.reason,
        blamed: verdict.blame?.server ?? null,
        wantsSwitch: verdict.wantsSwitch,
      },
      follows: followed.what,
      ...(followed.twin === undefined ? {} : { twin: followed.twin }),
      restartsMs: notes.restarts.map((at) => monotonicOf(moment, at)),
      revision,
      failedRevision: notes.failedRevision,
      isRevisionToBlame: crash !== null && isRevisionToBlame(revision, own, served),
      takeover: ready
        ? (takeover(spec.id) ?? { ready: true, reason: "it serves" })
        : { ready: false, reason: run === "serving" ? verdict.reason : `it is ${run}` },
      ...(answeredMs === undefined ? {} : { answeredMs }),
    },
  };
}

function stateOf({ state }: GroupVerdict): "healthy" | "suspect" | "blind" {
  return state === "suspect" || state === "blind" ? state : "healthy";
}
