import { type Action, act, type Decision } from "../failover/decision.ts";
import { groupOf, intactBeside, isIntact, serverOf } from "../failover/intact.ts";
import type { Observed } from "../failover/observed.ts";
import type { ModelServiceRequest } from "../manifests/model-service/resource.ts";

/** What only a person asks for: a server out of service for their hands, or back from them. */
export type ServerOrder = { kind: "drain-server" | "take-back"; server: string };

/** The next step of an order, or its end. */
export type OrderStep =
  | { kind: "act"; decision: Extract<Decision, { kind: "act" }> }
  | { kind: "server"; order: ServerOrder }
  | { kind: "end"; outcome: "done" | "refused"; detail: string }
  /** The decider has something more urgent, or carries it out by itself. */
  | { kind: "later" };

/**
 * One step of what a person asks for. It is refused, with the reason, where it would end the last intact group; everything is
 * read back from what is seen, so that an order that was interrupted goes on where it was.
 *
 * @param askedMs when it was asked, on the clock of the observation
 * @param decision what the decider would do now without the order
 */
export function stepOf(request: ModelServiceRequest, askedMs: number, seen: Observed, decision: Decision): OrderStep {
  switch (request.kind) {
    case "switchover":
      return switchover(request, seen, decision);
    case "failover":
      return failover(request, seen);
    case "rebuild":
      return rebuild(request, askedMs, seen);
    case "drain":
      return drain(request, seen);
    case "return":
      return takeBack(request, seen);
  }
}

const end = (outcome: "done" | "refused", detail: string): OrderStep => ({ kind: "end", outcome, detail });
const paused = (by: string): OrderStep => end("refused", `paused by ${by}; first: tandem resume`);
const step = (action: Action, detail: string): OrderStep => ({ kind: "act", decision: act("asked", action, detail) });

function switchover({ target }: ModelServiceRequest, seen: Observed, decision: Decision): OrderStep {
  if (groupOf(seen, target) === undefined) return end("refused", `there is no group ${target}`);
  if (seen.active === target) return end("done", `${target} is active, epoch ${seen.epoch}`);
  if (seen.paused !== null) return paused(seen.paused.by);
  const active = groupOf(seen, seen.active);
  if (active === undefined || !isIntact(active)) {
    return end("refused", `${seen.active} does not serve, so there is nothing to hand over; use: tandem failover`);
  }
  if (decision.kind === "escalate" && decision.reason === "cannot-take-over") return end("refused", decision.detail);
  return { kind: "later" };
}

function failover({ target, by }: ModelServiceRequest, seen: Observed): OrderStep {
  const group = groupOf(seen, target);
  if (group === undefined) return end("refused", `there is no group ${target}`);
  if (seen.active === target) return end("done", `${target} is active, epoch ${seen.epoch}`);
  if (!isIntact(group)) return end("refused", `${target} cannot serve: ${group.run}, ${group.verdict.reason}`);
  return step({ kind: "set-active", group: target, epoch: seen.epoch + 1, why: "failover" }, `${by} asked for it`);
}

function rebuild({ target, by }: ModelServiceRequest, askedMs: number, seen: Observed): OrderStep {
  const group = groupOf(seen, target);
  if (group === undefined) return end("refused", `there is no group ${target}`);
  if (group.run !== "serving" && group.runSinceMs >= askedMs)
    return end("done", `${target} is being put together anew`);
  // Nobody would start it again.
  if (seen.paused !== null) return paused(seen.paused.by);
  if (group.run === "stopped")
    return end("done", `${target} is stopped already, and is put together as its servers allow`);
  const refusal = whyKeep(group.id, seen);
  if (refusal !== null) return end("refused", refusal);
  return step({ kind: "stop-group", group: target, why: "fault" }, `${by} asked for it`);
}

/** Traffic first, then the group, then the server: nobody's stream is cut. */
function drain({ target, by }: ModelServiceRequest, seen: Observed): OrderStep {
  const server = serverOf(seen, target);
  if (server === undefined) return end("refused", `there is no server ${target}`);
  if (server.reserved && server.quarantine !== null) return end("done", `${target} is out of service`);
  const group = server.group === null ? undefined : groupOf(seen, server.group);
  if (group === undefined || group.run === "stopped") {
    return { kind: "server", order: { kind: "drain-server", server: target } };
  }
  if (seen.paused !== null) return paused(seen.paused.by);
  const [other] = intactBeside(seen, group.id).filter(({ takeover }) => takeover.ready);
  if (other === undefined) return end("refused", `without ${target} no group would serve: no other can take over`);
  if (group.id === seen.active) {
    const action = { kind: "set-active", group: other.id, epoch: seen.epoch + 1, why: "switchover" } as const;
    return step(action, `${by} takes ${target} out of service`);
  }
  return step({ kind: "stop-group", group: group.id, why: "change" }, `${by} takes ${target} out of service`);
}

function takeBack({ target }: ModelServiceRequest, seen: Observed): OrderStep {
  const server = serverOf(seen, target);
  if (server === undefined) return end("refused", `there is no server ${target}`);
  if (server.quarantine === null && !server.reserved) return end("done", `${target} is in service`);
  const isTaken = !server.reserved && server.treated?.remedy === "failover-support";
  if (isTaken) return end("done", `${target} is checked, and serves again when it passes`);
  return { kind: "server", order: { kind: "take-back", server: target } };
}

/** Why a group must not be taken apart, even by hand; null where it may. */
function whyKeep(id: string, seen: Observed): string | null {
  if (id === seen.active && intactBeside(seen, id).length > 0)
    return `${id} is active; first: tandem switchover ${intactBeside(seen, id)[0]?.id}`;
  const group = groupOf(seen, id);
  if (group !== undefined && isIntact(group) && intactBeside(seen, id).length === 0)
    return `${id} is the only group that serves`;
  return null;
}
