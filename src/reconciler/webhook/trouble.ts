import type { Logger } from "pino";
import type { Decision } from "../../failover/decision.ts";
import type { Decided } from "../actions/hands.ts";
import { Pager, type Trouble } from "./pager.ts";

/** What a person is needed for, by the decision that is shown; null where the automation goes on by itself. */
export function troubleOf({ knowledge, observation }: Decided, decision: Decision): Trouble | null {
  if (decision.kind !== "escalate") return null;
  const { name, namespace = "" } = knowledge.cluster.service.metadata;
  const { active, epoch } = observation.observed;
  const { reason, detail, fix } = decision;
  const since = new Date(knowledge.moment.wallMs).toISOString();
  return { stack: name, namespace, reason, detail, fix, active, epoch, since };
}

/** The pager that a folder of its address stands for; what it does is in the log, without the address. */
export function pagerOf(folder: string, log: Logger): Pager {
  return new Pager({
    folder,
    onProblem: (why) => log.warn({ why }, "nobody could be called yet"),
    onTold: ({ action, dedupeKey, reason }) => log.info({ action, dedupeKey, reason }, "a person was called"),
  });
}
