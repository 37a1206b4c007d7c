import type { Action } from "../../failover/decision.ts";
import type { LiveObject } from "../../kube/objects.ts";
import type { MoveStatus } from "../../manifests/model-service/resource.ts";
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
  const { active, moves = [], epoch: present = 0 } = service.status ?? {};
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
  const standby = service.spec.groups.map(({ id }) => id).find((id) => id !== group) ?? null;
  await patchRead(
    hands,
    hands.paths.service,
    service as unknown as LiveObject,
    { status: { active: group, standby, epoch, moves: [...moves, move].slice(-MAX_MOVES) } },
    "status",
  );
  return done(`${group} is active from epoch ${epoch} on`);
}
