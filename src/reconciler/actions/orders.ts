import { QUARANTINE, type QuarantineRecord } from "../../manifests/model-service/resource.ts";
import { OUT_OF_SERVICE } from "../observe/observe-server.ts";
import { quarantineOf } from "../observe/records.ts";
import type { ServerOrder } from "../orders.ts";
import { type Decided, done, type Hands, type Outcome } from "./hands.ts";
import { changeNode, nodeOf } from "./node.ts";

/**
 * Takes a server out of service for a person, or takes it back. Out: cordoned as by `kubectl cordon`, and kept out until a person
 * says that it is mended. Back: that word counts as the treatment, so the checks come next.
 */
export async function carryOut(hands: Hands, decided: Decided, { kind, server }: ServerOrder): Promise<Outcome> {
  const node = nodeOf(decided, server);
  const { moment, evidence, cluster } = decided.knowledge;
  const at = new Date(moment.wallMs).toISOString();
  const fresh: QuarantineRecord = {
    since: at,
    remedy: "failover-support",
    reason: `drained by ${cluster.service.spec.request?.by ?? "a person"}`,
    bootId: evidence.get(server)?.bootId ?? null,
  };
  const record = quarantineOf(node) ?? fresh;
  if (kind === "drain-server") {
    await changeNode(hands, node, {
      unschedulable: true,
      taints: { [QUARANTINE]: { value: "failover-support", effect: "NoSchedule" } },
      annotations: { [QUARANTINE]: JSON.stringify({ ...record, remedy: "failover-support" }) },
    });
    return done(`${server} is out of service`);
  }
  const { validatedAt: _, ...rest } = record;
  await changeNode(hands, node, {
    unschedulable: false,
    taints: { [QUARANTINE]: { value: record.remedy, effect: "NoSchedule" }, [OUT_OF_SERVICE]: null },
    annotations: { [QUARANTINE]: JSON.stringify({ ...rest, treated: { remedy: "failover-support", at } }) },
  });
  return done(`${server} is checked before it serves`);
}
