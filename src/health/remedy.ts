import { REMEDIES, type Remedy } from "../spec/remedies.ts";

export { REMEDIES, type Remedy };

/** Below 0 if `a` asks for less than `b`. */
export function compareRemedies(a: Remedy, b: Remedy): number {
  return REMEDIES.indexOf(a) - REMEDIES.indexOf(b);
}

/** Whether traffic leaves the group at once: its ranks are dead or about to be. */
export function stopsService(remedy: Remedy): boolean {
  return compareRemedies(remedy, "restart-group") >= 0;
}
