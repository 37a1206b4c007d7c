import { Command } from "commander";
import { TandemError } from "../../errors.ts";
import type { GatewayAnswer, StackStatus } from "../../report/stack-status.ts";
import { EXIT, Exit } from "../exit.ts";
import { type OutputFormat, outputOption, printData } from "../output.ts";

/** `tandem status`: who serves, who could take over, what the gateways and the reconciler decide, and why. */
export function command(): Command {
  return new Command("status")
    .description(
      "Show who serves, whether a failover would work now, and what is decided. Ends with 1 while no group can be used.",
    )
    .option("-s, --stack <name>", "the stack", "local")
    .addOption(outputOption())
    .addHelpText("after", "\nExamples:\n  tandem status\n  tandem status --stack prod --output json")
    .action(async ({ stack, output }: { stack: string; output: OutputFormat }) => {
      const status = await readStatus(stack);
      if (output !== "text") await printData(status, output);
      else process.stdout.write((await import("../../report/status.ts")).statusText(status, Date.now()));
      if (status.choice !== "use") throw new Exit(EXIT.refused);
    });
}

/** Each source is asked by itself: gateways need no API server, and an API server no gateway. */
async function readStatus(stack: string): Promise<StackStatus> {
  const { stackAccess } = await import("../stack-access.ts");
  const { gatewayStatus } = await import("../../drill/cluster/gateway-status.ts");
  const { joinStatus } = await import("../../report/stack-status.ts");
  const { readCluster } = await import("../service/read-cluster.ts");
  const { admin, adminToken, record, plan } = await stackAccess(stack);
  const ask = (url: string): Promise<GatewayAnswer | Error> =>
    gatewayStatus({ url, token: adminToken }).then(answerOf, (error: Error) => error);
  const [{ service, lease }, holder, ...each] = await Promise.all([
    readCluster({ stack }),
    ...[admin.holder, ...Object.values(admin.replicas)].map(ask),
  ]);
  const replicas = Object.fromEntries(
    Object.keys(admin.replicas).map((name, at) => [name, each[at] ?? new Error("it was not asked")]),
  );
  const gateways = [holder ?? new Error("it was not asked"), ...Object.values(replicas)];
  if (service instanceof Error && gateways.every((one) => one instanceof Error)) {
    throw new TandemError({
      code: "E_NO_GATEWAY_ANSWER",
      what: `nothing of stack ${stack} answers, neither a gateway nor the API server`,
      why: `${(gateways[0] as Error).message}; ${service.message}`,
      fix: `look at its pods: \`kubectl -n ${record.namespace} get pods -l app.kubernetes.io/name=gateway -o wide\``,
    });
  }
  const { servedName } = plan.model;
  return joinStatus({
    stack,
    url: record.baseUrl,
    model: servedName,
    holder: gateways[0] as GatewayAnswer | Error,
    replicas,
    service,
    lease,
  });
}

function answerOf(answer: GatewayAnswer): GatewayAnswer {
  const { active, standby, epoch, choice, reason, model, lastFailover } = answer;
  const groups = Object.fromEntries(
    Object.entries(answer.groups).map(([id, { servers, state, reason: why, requests }]) => [
      id,
      { servers, state, reason: why, requests },
    ]),
  );
  const last = lastFailover;
  return {
    active,
    standby,
    epoch,
    choice,
    reason,
    model,
    groups,
    lastFailover:
      last === null
        ? null
        : { at: last.at, from: last.from, to: last.to, reason: last.reason, gapMs: last.gapMs, carried: last.carried },
  };
}
