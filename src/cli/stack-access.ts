import { TandemError } from "../errors.ts";
import { readRecord, type StackRecord } from "../infra/stack/stack-record.ts";
import { readStackSecrets } from "../infra/stack/stack-secrets.ts";
import { addressOf } from "../manifests/gateway-config.ts";
import { GATEWAY_ADMIN_PORT } from "../plan/service-ports.ts";
import type { ServingPlan } from "../plan/serving-plan.ts";
import { loadPlan } from "./load-plan.ts";

/** How commands reach a stack that `tandem up` made on this computer. */
export interface StackAccess {
  plan: ServingPlan;
  record: StackRecord;
  apiKey: string;
  adminToken: string;
  /** The replica that holds the gateway's address, which is the one that clients talk to; then each replica by name. */
  admin: { holder: string; replicas: Record<string, string> };
}

/** @throws TandemError E_NO_STACK before the first `tandem up`, E_NO_GATEWAY for a spec without one */
export async function stackAccess(stack: string): Promise<StackAccess> {
  const record = await readRecord(stack);
  const secrets = await readStackSecrets(stack);
  if (record === undefined || secrets === undefined) throw unknownStack(stack);
  const { plan } = loadPlan(record.spec);
  const { gateway } = plan.spec;
  if (gateway === undefined) {
    throw new TandemError({
      code: "E_NO_GATEWAY",
      what: `stack ${stack} has no gateway to ask`,
      why: "its spec has no `gateway`, and without one nothing fails over",
      fix: `add \`gateway\` to ${record.spec} and run \`tandem up ${record.spec}\``,
    });
  }
  const at = (address: string) => `http://${address}:${GATEWAY_ADMIN_PORT}`;
  return {
    plan,
    record,
    apiKey: secrets["api-key"],
    adminToken: secrets["admin-token"],
    admin: {
      holder: at(gateway.address),
      replicas: Object.fromEntries(gateway.on.map((server) => [server, at(addressOf(plan, server))])),
    },
  };
}

/** The refusal of every command that needs a stack which is not there. */
export function unknownStack(stack: string): TandemError {
  return new TandemError({
    code: "E_NO_STACK",
    what: `there is no stack ${stack} on this computer`,
    why: "`tandem up` was never run for it, or it was taken down",
    fix: "run `tandem up` with its spec, or name another stack with --stack",
  });
}
