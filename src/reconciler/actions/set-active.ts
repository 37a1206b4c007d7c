import type { Action } from "../../failover/decision.ts";
import { justMoved } from "../../failover/readiness/ladder.ts";
import type { LiveObject } from "../../kube/objects.ts";
import type { MoveStatus, ServiceCondition, TakeoverStatus } from "../../manifests/model-service/resource.ts";
import { takeoverCondition } from "../status.ts";
import { type Decided, done, type Hands, type Outcome, patchRead, waiting } from "./hands.ts";
import { runningDrill } from "./running-drill.ts";

const MAX_MOVES = 20;

/**
 * Gives the word to a group under a new epoch. The status is the word; gateways and the Service of the active group are told by
 * `spread`, again and again until they have it.
 */
export async function setActive(
  hands: Hands,
  decided: Decided,
  { group, epoch, why }: Extract<Action, { kind: "set-active" }>,
): Promise<Outcome> {
  const { service } = decided.knowledge.cluster;
  const { active, moves = [], epoch: present = 0, conditions = [] } = service.status ?? {};
  if (epoch <= present) return waiting(`epoch ${epoch} has passed; ${present} holds`);
  const drill = runningDrill(decided);
  const move: MoveStatus = {
    at: new Date().toISOString(),
    from: active ?? service.spec.initialActive,
    to: group,
    epoch,
    why,
    reason: decided.reason,
    ...(drill === undefined ? {} : { drill }),
  };
  // In the same write: whoever waits for a standby after a move must not be told of the one before it.
  const takeover = justMoved(group);
  const standby = service.spec.groups.map(({ id }) => id).find((id) => id !== group) ?? null;
  await patchRead(
    hands,
    hands.paths.service,
    service as unknown as LiveObject,
    {
      status: {
        ...{ active: group, standby, epoch, moves: [...moves, move].slice(-MAX_MOVES) },
        ...{ takeover, conditions: conditions.map((one) => told(one, takeover, move.at)) },
      },
    },
    "status",
  );
  return done(`${group} is active from epoch ${epoch} on`);
}

function told(condition: ServiceCondition, takeover: TakeoverStatus, at: string): ServiceCondition {
  const now = takeoverCondition(takeover);
  if (condition.type !== now.type || condition.status === now.status) return condition;
  return { ...condition, ...now, lastTransitionTime: at };
}
