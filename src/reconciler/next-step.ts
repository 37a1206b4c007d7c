import type { Decision } from "../failover/decision.ts";
import type { ModelService } from "../manifests/model-service/resource.ts";
import { type Moment, monotonicOf } from "./observe/clock.ts";
import type { Observation } from "./observe/observe.ts";
import { type ServerOrder, stepOf } from "./orders.ts";

/** What to do next: as decided, or what a person asks for. */
export type Next =
  | { kind: "decision"; decision: Decision }
  | { kind: "server"; order: ServerOrder }
  | { kind: "end"; id: string; outcome: "done" | "refused"; detail: string };

/** Real faults come first; an order comes before what can as well be done after it. */
const URGENT: readonly string[] = ["gateways-moved", "gateways-disagree", "group-failed", "isolate", "fence"];
/** An order that could not be carried out by then is refused: whoever asked has long stopped waiting. */
const ORDER_WITHIN_MS = 600_000;

export function nextStep(
  { spec, status }: ModelService,
  { observed }: Observation,
  moment: Moment,
  decision: Decision,
): Next {
  const { request } = spec;
  const decided: Next = { kind: "decision", decision };
  const blind = decision.kind === "hold" && decision.reason !== "all-well" && decision.reason !== "paused";
  if (request === undefined || status === undefined || status.handledRequest?.id === request.id || blind)
    return decided;
  if (decision.kind === "act" && URGENT.includes(decision.reason)) return decided;
  const { id, kind, target } = request;
  const askedMs = monotonicOf(moment, request.at);
  const step = stepOf(request, askedMs, observed, decision);
  switch (step.kind) {
    case "act":
      return { kind: "decision", decision: step.decision };
    case "server":
      return { kind: "server", order: step.order };
    case "end":
      return { ...step, id };
    case "later": {
      if (observed.atMs - askedMs < ORDER_WITHIN_MS) return decided;
      const detail = `${kind} ${target} could not be done in ${ORDER_WITHIN_MS / 60_000} min: ${decision.detail}`;
      return { kind: "end", id, outcome: "refused", detail };
    }
  }
}
