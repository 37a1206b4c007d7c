import { prefillSeconds } from "../../plan/failover-budget.ts";
import { AGENT_PORT, GATEWAY_ADMIN_PORT } from "../../plan/service-ports.ts";
import type { ServingPlan } from "../../plan/serving-plan.ts";
import { checksum } from "../checksum.ts";
import { addressOf } from "../gateway-config.ts";
import { groupsOf, stackLabels } from "../names.ts";
import { MODEL_SERVICE, type ModelService, type ModelServiceServer } from "./resource.ts";
import { engineTemplate } from "./template.ts";

/**
 * The plan as the one object that the reconciler works from. Pulumi owns its `spec`, except `pause` and `request`, which are
 * people's by `tandem`; who is active, and on which servers, stands in its status and not here.
 */
export function modelService(plan: ServingPlan): ModelService & { metadata: { namespace: string } } {
  const { failover, gateway } = plan.spec;
  const groups = groupsOf(plan);
  const template = engineTemplate(plan);
  const { periodSeconds, failureThreshold } = plan.probes.startup;
  return {
    ...MODEL_SERVICE,
    metadata: { name: plan.name, namespace: plan.namespace, labels: stackLabels(plan) },
    spec: {
      model: plan.model.servedName,
      revision: revisionOf(template),
      initialActive: groups.find(({ role }) => role === "active")?.id ?? groups[0]?.id ?? "",
      groups: groups.map(({ id, workloadName, servers }) => ({
        id,
        size: plan.serversPerGroup,
        workload: workloadName,
        servers,
      })),
      servers: Object.fromEntries(
        Object.keys(plan.spec.servers)
          .sort()
          .map((name) => [name, serverOf(plan, name)]),
      ),
      gateways: (gateway?.on ?? []).map((name) => `http://${addressOf(plan, name)}:${GATEWAY_ADMIN_PORT}`),
      failover: {
        mode: failover.mode,
        maxPerHour: failover.maxPerHour,
        startWithinMs: periodSeconds * failureThreshold * 1_000,
        longestStepMs: Math.round(prefillSeconds(plan.spec) * 1_000),
        xids: failover.xids,
      },
      template,
    },
  };
}

/**
 * What both groups must have alike to run the same thing. The list of servers whose sockets may be spoken to is left out: a
 * server more is no reason to start every group anew, and the group that it joins is started with the present list.
 */
function revisionOf(template: object): string {
  const isPeerList = (value: unknown) =>
    typeof value === "object" && value !== null && "name" in value && value.name === "SGLANG_ZMQ_ALLOWED_PEERS";
  return checksum(JSON.stringify(template, (_key, value: unknown) => (isPeerList(value) ? undefined : value)));
}

function serverOf(plan: ServingPlan, name: string): ModelServiceServer {
  const address = addressOf(plan, name);
  const bmc = plan.spec.servers[name]?.bmc;
  return {
    address,
    agent: `http://${address}:${AGENT_PORT}`,
    engine: `http://${address}:${plan.ports.http}`,
    ...(bmc === undefined ? {} : { bmc: { url: `https://${bmc.address}` } }),
  };
}
