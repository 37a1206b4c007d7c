import { prefillSeconds } from "../plan/failover-budget.ts";
import { AGENT_PORT, GATEWAY_ADMIN_PORT } from "../plan/service-ports.ts";
import type { ServingPlan } from "../plan/serving-plan.ts";
import { warmsStandby } from "../plan/warm-standby.ts";
import { groupsOf } from "./names.ts";

/** Address of a server of the spec, of the control plane's too. */
export function addressOf({ spec }: ServingPlan, server: string): string {
  const found = { ...spec.controlPlane, ...spec.servers }[server];
  if (found === undefined) throw new Error(`${server} is no server of ${spec.name}`);
  return found.address;
}

/**
 * What a gateway replica reads at its start (`src/gateway/config.ts`); the same on every replica. It holds no secret.
 *
 * @param folders where the pod finds `tls.crt` and `tls.key`, for a spec with `gateway.tls`, and where it may write
 */
export function gatewayConfig(
  plan: ServingPlan,
  folders: { tls: string; state: string },
): { servers: object } & Record<string, unknown> {
  const { gateway } = plan.spec;
  if (gateway === undefined) throw new Error(`${plan.name} has no gateway`);
  const at = (server: string, port: number) => `http://${addressOf(plan, server)}:${port}`;
  const groups = groupsOf(plan);
  const servers = [...groups.flatMap(({ servers }) => servers), ...plan.spec.spares].sort();
  return {
    listen: {
      host: "0.0.0.0",
      port: gateway.port,
      ...(gateway.tls === undefined ? {} : { tls: { cert: `${folders.tls}/tls.crt`, key: `${folders.tls}/tls.key` } }),
    },
    admin: { host: "0.0.0.0", port: GATEWAY_ADMIN_PORT },
    model: {
      name: plan.model.servedName,
      parser: flagOf(plan.launch.leader.args, "--reasoning-parser"),
      // The template of R1-0528 leaves the opening tag to the model.
      templateOpensThink: !plan.model.preset.includes("0528"),
      contextLength: plan.model.contextLength,
      attentionDp: plan.layout.dataParallel,
    },
    // The engine's address of a spare too: it may join a group while the gateway runs.
    servers: Object.fromEntries(
      servers.map((server) => [server, { agent: at(server, AGENT_PORT), engine: at(server, plan.ports.http) }]),
    ),
    groups: Object.fromEntries(
      // Any server of a group may hold its leader; the others answer 404.
      groups.map(({ id, servers }) => [id, { servers, urls: servers.map((server) => at(server, plan.ports.http)) }]),
    ),
    active: groups.find(({ role }) => role === "active")?.id ?? groups[0]?.id,
    epoch: 1,
    warmStandby: warmsStandby(plan),
    xids: plan.spec.failover.xids,
    limits: limitsOf(plan, groups.length),
    longestStepMs: Math.round(prefillSeconds(plan.spec) * 1_000),
    siblings: gateway.on.map((server) => at(server, GATEWAY_ADMIN_PORT)),
    sharedPorts: true,
    roleFile: `${folders.state}/role.json`,
  };
}

/**
 * What is taken before 429 is the answer, from what the engine runs at once. One more batch may wait in its queue: who comes last
 * waits about as long as one answer takes. All in all that much for each group, since after a planned move running answers finish
 * in the other one, and what waits.
 */
function limitsOf(plan: ServingPlan, groups: number): { maxRequests: number; maxEngineQueue: number } {
  const running = Number(flagOf(plan.launch.leader.args, "--max-running-requests"));
  return { maxRequests: (groups + 1) * running, maxEngineQueue: running };
}

function flagOf(args: readonly string[], flag: string): string | null {
  const at = args.indexOf(flag);
  return at < 0 ? null : (args[at + 1] ?? null);
}
