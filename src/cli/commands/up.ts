import { resolve } from "node:path";
import { Command } from "commander";
import { EXIT, Exit } from "../exit.ts";

/** `tandem up [SPEC]`: from a spec to groups that serve. */
export function command(): Command {
  return new Command("up")
    .description(
      "Make the stack of a spec, or bring it up to date: servers, cluster, groups. Continues after any interruption.",
    )
    .argument("[spec]", "the spec", "stacks/local.yaml")
    .addHelpText("after", "\nExamples:\n  tandem up\n  tandem up stacks/prod.yaml")
    .action(async (file: string) => {
      const { loadPlan } = await import("../load-plan.ts");
      const { plan } = loadPlan(file);
      const { phaseLines } = await import("../up/phases.ts");
      const { withStackLock } = await import("../../infra/stack/stack-lock.ts");
      const { updateStack } = await import("../up/update-stack.ts");
      const phase = phaseLines((line) => process.stderr.write(`${line}\n`));
      const stop = new AbortController();
      // Pulumi gets its Ctrl-C from `runPulumi`; what we do ourselves ends here.
      for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => stop.abort(new Exit(EXIT.failed)));
      const code = await withStackLock(plan.name, () => updateStack(plan, resolve(file), phase, stop.signal));
      if (code !== 0) throw new Exit(EXIT.failed);
    });
}
