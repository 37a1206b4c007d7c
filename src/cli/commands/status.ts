import { Command } from "commander";
import { TandemError } from "../../errors.ts";
import type { StackStatus } from "../../report/status.ts";
import { EXIT, Exit } from "../exit.ts";
import { type OutputFormat, outputOption, printData } from "../output.ts";

/** `tandem status`: who serves, who could take over, and what the gateway decides. */
export function command(): Command {
  return new Command("status")
    .description(
      "Show who serves, whether a failover would work now, and the last one. Ends with 1 while no group can be used.",
    )
    .option("-s, --stack <name>", "the stack", "local")
    .addOption(outputOption())
    .addHelpText("after", "\nExamples:\n  tandem status\n  tandem status --stack prod --output json")
    .action(async ({ stack, output }: { stack: string; output: OutputFormat }) => {
      const status = await readStatus(stack);
      if (output !== "text") await printData(status, output);
      else process.stdout.write((await import("../../report/status.ts")).statusText(status));
      if (status.choice !== "use") throw new Exit(EXIT.refused);
    });
}

async function readStatus(stack: string): Promise<StackStatus> {
  const { stackAccess } = await import("../stack-access.ts");
  const { gatewayStatus } = await import("../../drill/cluster/gateway-status.ts");
  const { takeoverOf } = await import("../../report/status.ts");
  const { admin, adminToken, record } = await stackAccess(stack);
  const ask = (url: string) => gatewayStatus({ url, token: adminToken }).catch((error: Error) => error);
  const names = Object.keys(admin.replicas);
  const [held, ...each] = await Promise.all([admin.holder, ...Object.values(admin.replicas)].map(ask));
  const answer = [held, ...each].find((one) => one !== undefined && !(one instanceof Error));
  if (answer === undefined || answer instanceof Error) {
    throw new TandemError({
      code: "E_NO_GATEWAY_ANSWER",
      what: `no gateway of stack ${stack} answers`,
      why: held instanceof Error ? held.message : "none was asked",
      fix: `look at its pods: \`kubectl -n ${record.namespace} get pods -l app.kubernetes.io/name=gateway -o wide\``,
    });
  }
  const { active, standby, epoch, choice, reason, model, lastFailover } = answer;
  const groups = Object.fromEntries(
    Object.entries(answer.groups).map(([id, { servers, state, reason: why, requests }]) => [
      id,
      { servers, state, reason: why, requests },
    ]),
  );
  const replicas = Object.fromEntries(
    names.map((name, at) => [name, each[at] instanceof Error ? ("silent" as const) : ("answers" as const)]),
  );
  return {
    stack,
    model,
    active,
    standby,
    epoch,
    choice,
    reason,
    groups,
    gateway: { url: record.baseUrl, replicas },
    lastFailover:
      lastFailover === null
        ? null
        : {
            at: lastFailover.at,
            from: lastFailover.from,
            to: lastFailover.to,
            reason: lastFailover.reason,
            gapMs: lastFailover.gapMs,
            carried: lastFailover.carried,
          },
    takeover: takeoverOf({ active, groups }),
  };
}
