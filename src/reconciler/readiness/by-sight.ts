import type { TakeoverStatus } from "../../manifests/model-service/resource.ts";
import type { Decided } from "../actions/hands.ts";

/** Without a prover a standby that serves is all there is to see. */
export function takeoverBySight({ observation: { observed } }: Decided): TakeoverStatus {
  const others = observed.groups.filter(({ id }) => id !== observed.active);
  const ready = others.some(({ takeover }) => takeover.ready);
  const reasons = ready ? [] : others.map(({ id, takeover }) => `${id}: ${takeover.reason}`);
  return { ready, reasons: others.length === 0 ? ["there is no standby"] : reasons, rungs: [] };
}
