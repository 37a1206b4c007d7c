import { resolve } from "node:path";
import { Command } from "commander";
import { EXIT, Exit } from "../exit.ts";
import { interrupted } from "../interrupted.ts";

/** `tandem up [SPEC]`: from a spec to groups that serve. */
export function command(): Command {
  return new Command("up")
    .description(
      "Make the stack of a spec, or bring it up to date: servers, cluster, groups. Continues after any interruption.",
    )
    .argument("[spec]", "the spec", "stacks/local.yaml")
    .option("--refresh", "look at everything first, so that what was changed or removed by hand is put right")
    .option("--preview", "show what would be made, changed and removed (`pulumi preview`), and touch nothing")
    .addHelpText(
      "after",
      "\nExamples:\n  tandem up\n  tandem up stacks/prod.yaml --preview\n  tandem up stacks/prod.yaml\n  tandem up --refresh",
    )
    .action(async (file: string, { refresh = false, preview = false }: { refresh?: boolean; preview?: boolean }) => {
      const { loadPlan } = await import("../load-plan.ts");
      const { plan, text } = loadPlan(file);
      const { phaseLines } = await import("../up/phases.ts");
      const { withStackLock } = await import("../../infra/stack/stack-lock.ts");
      const { leaveNoIdleEngine } = await import("../up/leave-no-idle-engine.ts");
      const { updateStack } = await import("../up/update-stack.ts");
      const say = (line: string) => process.stderr.write(`${line}\n`);
      const phase = phaseLines(say);
      // Pulumi gets its Ctrl-C from `runPulumi`; what we do ourselves ends by this one.
      const signal = interrupted();
      const spec = { plan, text, file: resolve(file) };
      if (preview) {
        const { previewStack } = await import("../up/preview-stack.ts");
        if ((await previewStack(spec, phase, signal)) !== 0) throw new Exit(EXIT.failed);
        return;
      }
      const update = () => withStackLock(plan.name, () => updateStack(spec, phase, signal, refresh));
      const code = await leaveNoIdleEngine(plan, say, update);
      if (code !== 0) throw new Exit(EXIT.failed);
    });
}
