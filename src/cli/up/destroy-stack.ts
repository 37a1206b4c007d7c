import { rm } from "node:fs/promises";
import { endBmcs } from "../../emulator/bmc/keeper.ts";
import { forgetStack } from "../../infra/stack/forget-stack.ts";
import { openStack } from "../../infra/stack/open-stack.ts";
import { busyStacks, otherStacks } from "../../infra/stack/other-stacks.ts";
import { clearStaleLock } from "../../infra/stack/pulumi-lock.ts";
import { resumeVariable } from "../../infra/stack/resume.ts";
import { runPulumi } from "../../infra/stack/run-pulumi.ts";
import { hasState } from "../../infra/stack/stack-state.ts";
import { compiledDir, imagesDir, toolsDir } from "../../machines/home.ts";
import { cleanLocal } from "../../machines/local/clean.ts";
import { resolveTools } from "../../machines/tools/resolve.ts";
import type { ServingPlan } from "../../plan/serving-plan.ts";
import { EXIT, Exit } from "../exit.ts";
import type { Phase } from "./phases.ts";

/**
 * `pulumi destroy`, then whatever local machines leave outside of Pulumi: network, routes, daemon, kernel settings. Works
 * after any kill. A local stack goes even when Pulumi cannot destroy it: all of it is containers on this computer.
 */
export async function destroyStack(plan: ServingPlan, file: string, phase: Phase, signal: AbortSignal): Promise<void> {
  const local = plan.spec.provision.kind === "local";
  // First: a reconciler must not switch on what is being taken down.
  if (local) await endBmcs(plan.name);
  if (await hasState(plan.name)) {
    const code = await phase("pulumi destroy", async (say) => {
      const { pulumi } = await resolveTools(["pulumi"], { signal });
      const stack = await openStack(plan.name, pulumi.path, file, signal);
      await clearStaleLock(plan.name, stack.files, { say, signal });
      const env = { ...stack.env, ...resumeVariable("down", file) };
      const args = ["destroy", "--yes", "--skip-preview", "--parallel", "32"];
      const code = await runPulumi(pulumi.path, { ...stack, env }, args);
      signal.throwIfAborted();
      if (code === 0 || local)
        await forgetStack(pulumi.path, stack, { force: local, signal }).catch((error: Error) => {
          if (!local) throw error;
          say(error.message);
        });
      return code;
    });
    if (code !== 0 && !local) throw new Exit(EXIT.failed);
  }
  // The first `up` of another stack may have found the daemon running and made nothing on it yet.
  const inUse = async () => (await busyStacks()).some((other) => other !== plan.name);
  if (local) await phase("machines", (say) => cleanLocal(plan.name, { inUse, onProgress: say }));
}

/**
 * Everything that can be made again. The engine goes with the last stack; its programs and images go here. All stacks share
 * these caches: they stay while another one is up, whose shell would lose its `kubectl` and whose next `up` would be a cold one.
 */
export async function purgeCaches(stack: string, say: (line: string) => void): Promise<void> {
  const others = await otherStacks(stack);
  if (others.length > 0) {
    const who = `${others.length === 1 ? "stack" : "stacks"} ${others.join(", ")}`;
    say(`kept, because ${who} of this computer may use them; \`tandem down --purge\` of the last stack removes them`);
    return;
  }
  await cleanLocal(stack, { purge: true, onProgress: say });
  for (const folder of [toolsDir(), imagesDir(), compiledDir()]) await rm(folder, { recursive: true, force: true });
}
