import type { Choice } from "../choose.ts";
import type { Suspicion } from "./suspicion.ts";
import type { GatewayView } from "./view.ts";

/**
 * What speaks against groups that are not used, while requests of this gateway are still in their hands: a planned move leaves
 * answers where they are, and the group that writes them may fail afterwards. A server without power resets no connection, so
 * that nothing else would ever tell them to go on.
 */
export function strandedOf(view: GatewayView, choice: Choice): Suspicion[] {
  if (choice.kind !== "use") return [];
  const hasSome = new Set(view.groups.filter(({ passengers }) => passengers > 0).map(({ id }) => id));
  return choice.suspicions.filter(
    ({ group, state }) => state === "suspect" && group !== choice.group && hasSome.has(group),
  );
}
