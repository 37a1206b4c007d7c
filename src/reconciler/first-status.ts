import type { ModelServiceStatus } from "../manifests/model-service/resource.ts";
import type { Decided } from "./actions/hands.ts";
import type { GatewayHeard } from "./gateways.ts";

/** Who is active, and since which epoch. */
export type Word = Pick<ModelServiceStatus, "active" | "epoch" | "moves">;

/**
 * The word where there is none yet, or where the gateways have a newer one than the ModelService (it was made anew, or etcd was
 * restored from a copy): what is served is kept, and the epoch goes on from the highest that anybody has. Null where the word
 * stands.
 */
export function missingWord({ knowledge }: Decided, gateways: readonly GatewayHeard[]): Word | null {
  const { service } = knowledge.cluster;
  const { spec, status } = service;
  const isGroup = (id: string) => spec.groups.some((group) => group.id === id);
  const roles = gateways.map(({ role }) => role).filter(({ active }) => isGroup(active));
  const [highest] = roles.toSorted((a, b) => b.epoch - a.epoch);
  if (status === undefined) {
    return { active: highest?.active ?? spec.initialActive, epoch: Math.max(1, highest?.epoch ?? 1), moves: [] };
  }
  if (highest === undefined || highest.epoch <= status.epoch) return null;
  const move = {
    at: new Date(knowledge.moment.wallMs).toISOString(),
    from: status.active,
    to: highest.active,
    epoch: highest.epoch + 1,
    why: "adopt" as const,
    reason: `the gateways know epoch ${highest.epoch}, the ModelService ${status.epoch}`,
  };
  return { active: highest.active, epoch: highest.epoch + 1, moves: [...status.moves, move].slice(-20) };
}
