import { Command } from "commander";
import { type OutputFormat, outputOption } from "../output.ts";

/** `tandem top`: what the reconciler's page shows, live in the terminal. */
export function command(): Command {
  return new Command("top")
    .description(
      "Show groups, servers, GPUs, tokens a second, takeover readiness and the decision, live, as the page of `tandem dashboard` does. q or Ctrl-C ends it. Without a terminal it is printed once.",
    )
    .option("-s, --stack <name>", "the stack", "local")
    .option("--once", "print it once and end", false)
    .addOption(outputOption())
    .addHelpText("after", "\nExamples:\n  tandem top\n  tandem top --stack prod --once\n  tandem top --output json")
    .action(async (options: { stack: string; once: boolean; output: OutputFormat }) => {
      const { showTop } = await import("../top/top.ts");
      await showTop(options);
    });
}
