import type { Action } from "../../failover/decision.ts";
import { deletePods } from "./delete-pods.ts";
import { startGroup, stopGroup } from "./groups.ts";
import type { Decided, Hands, Outcome } from "./hands.ts";
import { powerOff, treatServer, validate } from "./mend.ts";
import { addMember, markOutOfService, quarantine, removeMember, returnServer } from "./servers.ts";
import { setActive } from "./set-active.ts";

/**
 * Takes one step. Every write has the resource version of what the step was decided on, so that it is refused if anything moved;
 * taken twice a step changes nothing the second time.
 *
 * @throws KubeError 409 when the world moved, NotLeader when the lease did, TandemError `E_BMC`
 */
export async function act(hands: Hands, decided: Decided, action: Action): Promise<Outcome> {
  switch (action.kind) {
    case "set-active":
      return setActive(hands, decided, action);
    case "quarantine":
      return quarantine(hands, decided, action.server, action.remedy);
    case "stop-group":
      return stopGroup(hands, decided, action.group, action.why);
    case "delete-pods":
      return deletePods(hands, decided, action.group);
    case "power-off":
      return powerOff(hands, decided, action.server);
    case "mark-out-of-service":
      return markOutOfService(hands, decided, action.server);
    case "treat":
      return treatServer(hands, decided, action.server, action.remedy);
    case "validate":
      return validate(hands, decided, action.server);
    case "return-server":
      return returnServer(hands, decided, action.server);
    case "remove-member":
      return removeMember(hands, decided, action.group, action.server);
    case "add-member":
      return addMember(hands, decided, action.group, action.server);
    case "start-group":
      return startGroup(hands, decided, action.group, action.revision);
  }
}
