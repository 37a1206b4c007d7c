import { Command } from "commander";
import { colourPaint, plainPaint } from "../../report/paint.ts";
import { planData } from "../../report/plan-data.ts";
import { planText } from "../../report/plan-text.ts";
import { warningText } from "../../report/problems.ts";
import { loadPlan } from "../load-plan.ts";
import { type OutputFormat, outputOption, printData, wantsColour } from "../output.ts";

interface Options {
  output: OutputFormat;
  html?: string;
  prices?: string;
  force: boolean;
}

/** `tandem plan SPEC`: what will run where, whether it fits, and why, before anything is touched. */
export function command(): Command {
  return new Command("plan")
    .description("Show what a spec becomes: servers, groups, ranks, memory, the layout and why, and what was rejected.")
    .argument("<spec>", "a spec, e.g. stacks/example.yaml")
    .addOption(outputOption())
    .option("--html <file>", "write a page instead: memory, speed and cost as pictures, in one file")
    .option("--prices <file>", "YAML with prices that you know better, for the page")
    .option("--force", "overwrite the page if it is there", false)
    .addHelpText(
      "after",
      "\nExamples:\n  tandem plan stacks/example.yaml\n  tandem plan prod.yaml --output json\n  tandem plan prod.yaml --html plan.html",
    )
    .action(async (file: string, { output, html, prices, force }: Options) => {
      // A digest that nobody has computed yet is a warning here: one may look before one knows.
      const { plan, warnings } = loadPlan(file, { allowPlaceholder: true });
      const all = [...warnings.map(warningText), ...plan.warnings];
      if (html !== undefined) {
        const { writePlanPage } = await import("../plan-page.ts");
        await writePlanPage({ plan, warnings: all, file: html, prices, overwrite: force });
        process.stdout.write(`wrote ${html}\n`);
        return;
      }
      if (output !== "text") return printData(planData(plan, all), output);
      process.stdout.write(planText(plan, all, wantsColour(process.stdout) ? colourPaint : plainPaint));
    });
}
