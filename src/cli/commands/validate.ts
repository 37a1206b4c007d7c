import { Command } from "commander";
import { formatProblems } from "../../report/problems.ts";
import type { LocatedProblem } from "../../spec/problem.ts";
import { checkSpecFile } from "../load-plan.ts";
import { SpecError } from "../load-spec.ts";
import { type OutputFormat, outputOption, printData } from "../output.ts";

interface Options {
  output: OutputFormat;
  allowPlaceholder?: boolean;
}

/** `tandem validate SPEC`: everything that is wrong with a spec, at once. */
export function command(): Command {
  return new Command("validate")
    .description("Check a spec: every problem with its place in the file, why it matters and what would work.")
    .argument("<spec>", "a spec, e.g. stacks/local.yaml")
    .addOption(outputOption())
    .option("--allow-placeholder", "accept an image digest that is still a marked placeholder")
    .addHelpText("after", "\nExamples:\n  tandem validate stacks/local.yaml\n  tandem validate prod.yaml --output json")
    .action(async (file: string, { output, allowPlaceholder = false }: Options) => {
      const { text, problems, plan } = checkSpecFile(file, { allowPlaceholder });
      if (output !== "text") await printData({ file, valid: plan !== undefined, problems }, output);
      if (plan === undefined) throw new SpecError(file, text, problems);
      if (output === "text") printVerdict(file, text, problems, summary(plan));
    });
}

function printVerdict(file: string, text: string, warnings: readonly LocatedProblem[], what: string): void {
  if (warnings.length > 0) process.stderr.write(`${formatProblems(warnings, text)}\n`);
  const count = warnings.length === 0 ? "" : ` with ${warnings.length} warning${warnings.length === 1 ? "" : "s"}`;
  process.stdout.write(`${file} is valid${count}: ${what}\n`);
}

function summary(plan: NonNullable<ReturnType<typeof checkSpecFile>["plan"]>): string {
  const groups = Object.values(plan.groups).map(({ id, role, servers }) => `${role} ${id} on ${servers.join(", ")}`);
  return `${plan.model.preset}, ${plan.layout.name}; ${groups.join("; ")}`;
}
