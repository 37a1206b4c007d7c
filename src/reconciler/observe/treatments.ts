import { treat } from "../../health/hear.ts";
import { resetTime } from "../../health/reset-time.ts";
import { type ServerEvidence, type Treatment, unheard } from "../../health/server-evidence.ts";
import type { LiveObject } from "../../kube/objects.ts";
import { monotonicOf } from "./clock.ts";
import type { Seen } from "./first-seen.ts";
import type { Knowledge } from "./knowledge.ts";
import { treatmentOf } from "./records.ts";
import type { Workload } from "./workload.ts";

/** What is known of a server together with what was done to it, and to the group that ran on it. */
export function withTreatments(
  { evidence, moment, treatments }: Pick<Knowledge, "evidence" | "moment" | "treatments">,
  name: string,
  node: LiveObject | undefined,
  workload: Workload | undefined,
  run: Seen | undefined,
): ServerEvidence {
  const done: Treatment[] = [];
  // Of a stopped group, and on a server of none, every exit is meant, and what a process did wrong is over with it; a group that
  // was started anew answers for what came since.
  if (workload === undefined || workload.run === "stopped") done.push({ what: "planned-stop", atMs: moment.monoMs });
  else if (run !== undefined) done.push({ what: "planned-stop", atMs: run.atMs });
  const known = evidence.get(name) ?? unheard(name);
  const treated = node === undefined ? undefined : treatmentOf(node);
  const treatedMs = treated === undefined ? 0 : (treatments.get(name)?.atMs ?? monotonicOf(moment, treated.at));
  if (treated?.remedy === "failover-reset") {
    const { after } = treated;
    const atMs = after === undefined ? treatedMs : resetTime(known.pieces, after, treatedMs);
    if (atMs !== null) done.push({ what: "reset", atMs });
  }
  // The word of a person: `tandem server return`.
  if (treated?.remedy === "failover-support") done.push({ what: "repair", atMs: treatedMs });
  return done.reduce(treat, known);
}
