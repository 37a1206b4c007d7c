import type { Command } from "commander";
import { historyOf, historyText } from "../../report/history.ts";
import { printData } from "../output.ts";
import { withService } from "../service/access.ts";
import { type CommonOptions, serviceCommand } from "../service/command.ts";
import { readService } from "../service/follow.ts";

/** `tandem history`: when traffic moved, and why. */
export function command(): Command {
  return serviceCommand("history")
    .description("Show every move of traffic that the stack remembers (20), newest first, each with its reason.")
    .addHelpText("after", "\nExamples:\n  tandem history\n  tandem history --stack prod --output json")
    .action(async (options: CommonOptions) => {
      const report = historyOf(await withService(options, (access) => readService(access)));
      if (options.output === "text") process.stdout.write(historyText(report));
      else await printData(report, options.output);
    });
}
