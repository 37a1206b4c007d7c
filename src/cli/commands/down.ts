import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { resolve } from "node:path";
import { Command } from "commander";
import { TandemError } from "../../errors.ts";
import { EXIT, Exit } from "../exit.ts";

/** `tandem down [SPEC]`: takes a stack away, and everything of it on this computer. */
export function command(): Command {
  return new Command("down")
    .description("Take the stack of a spec away: groups, cluster, servers' changes, and what is kept of it here.")
    .argument("[spec]", "the spec", "stacks/local.yaml")
    .option("--purge", "also the caches: tools, images, the container engine; the next `up` is a cold one")
    .addHelpText("after", "\nExamples:\n  tandem down\n  tandem down --purge")
    .action(async (file: string, { purge = false }: { purge?: boolean }) => {
      const { loadPlan } = await import("../load-plan.ts");
      const { plan } = loadPlan(file);
      if (plan.spec.protect) throw protectedStack(plan.name, file);
      const { stackDir } = await import("../../machines/home.ts");
      const { phaseLines } = await import("../up/phases.ts");
      const { withStackLock } = await import("../../infra/stack/stack-lock.ts");
      const { destroyStack, purgeCaches } = await import("../up/destroy-stack.ts");
      const phase = phaseLines((line) => process.stderr.write(`${line}\n`));
      const stop = new AbortController();
      for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => stop.abort(new Exit(EXIT.failed)));
      if (existsSync(stackDir(plan.name))) {
        await withStackLock(plan.name, () => destroyStack(plan, resolve(file), phase, stop.signal));
      }
      await rm(stackDir(plan.name), { recursive: true, force: true });
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
