import { resolve } from "node:path";
import { Command } from "commander";
import { TandemError } from "../../errors.ts";
import { interrupted } from "../interrupted.ts";

/** `tandem down [SPEC]`: takes a stack away, and everything of it on this computer. */
export function command(): Command {
  return new Command("down")
    .description("Take the stack of a spec away: groups, cluster, servers' changes, and what is kept of it here.")
    .argument("[spec]", "the spec", "stacks/local.yaml")
    .option(
      "--purge",
      "with the last stack also the caches: tools, images, the container engine; the next `up` is a cold one",
    )
    .addHelpText("after", "\nExamples:\n  tandem down\n  tandem down --purge")
    .action(async (file: string, { purge = false }: { purge?: boolean }) => {
      const { loadPlan } = await import("../load-plan.ts");
      const { plan } = loadPlan(file);
      if (plan.spec.protect) throw protectedStack(plan.name, file);
      const { phaseLines } = await import("../up/phases.ts");
      const { purgeCaches } = await import("../up/destroy-stack.ts");
      const { takeDown } = await import("../up/take-down.ts");
      const phase = phaseLines((line) => process.stderr.write(`${line}\n`));
      await takeDown(plan, resolve(file), phase, interrupted());
      if (purge) await phase("caches", (say) => purgeCaches(plan.name, say));
    });
}

function protectedStack(name: string, file: string): TandemError {
  return new TandemError({
    code: "E_PROTECTED",
    what: `stack ${name} was not taken down`,
    why: "its spec says `protect: true`",
    fix: `set \`protect: false\` in ${file}, run \`tandem up ${file}\` so that Pulumi knows it, then this command again`,
  });
}
