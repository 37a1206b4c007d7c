import { Command, InvalidArgumentError } from "commander";
import { DASHBOARD_PORT } from "../../plan/service-ports.ts";
import type { DashboardCommandOptions } from "../dashboard/dashboard.ts";
import { outputOption } from "../output.ts";

/** `tandem dashboard`: a way to the reconciler's page, on loopback. */
export function command(): Command {
  return new Command("dashboard")
    .description(
      "Open a way to the page of the reconciler on this computer's loopback, through the API server, and say how to log in. Ctrl-C ends it.",
    )
    .option("-s, --stack <name>", "the stack", "local")
    .option("--kubeconfig <file>", "your own way to the cluster, where the stack was made on another computer")
    .option("--port <number>", "on 127.0.0.1; 0 for any that is free", portNumber, DASHBOARD_PORT)
    .addOption(outputOption())
    .addHelpText("after", "\nExamples:\n  tandem dashboard\n  tandem dashboard --stack prod --port 0")
    .action(async (options: DashboardCommandOptions) => {
      const { openDashboard } = await import("../dashboard/dashboard.ts");
      await openDashboard(options);
    });
}

function portNumber(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new InvalidArgumentError("want 0 to 65535.");
  return port;
}
