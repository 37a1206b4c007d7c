import { existsSync } from "node:fs";
import { forgetStack } from "../../infra/stack/forget-stack.ts";
import { openStack } from "../../infra/stack/open-stack.ts";
import { runPulumi } from "../../infra/stack/run-pulumi.ts";
import { specVariable } from "../../infra/stack/spec-digest.ts";
import { withLastStackLock, withStackLock } from "../../infra/stack/stack-lock.ts";
import { stackDir } from "../../machines/home.ts";
import { resolveTools } from "../../machines/tools/resolve.ts";
import type { Phase } from "./phases.ts";
import type { LoadedSpec } from "./update-stack.ts";

/**
 * `pulumi preview`: what an update would make, change and remove. It reaches no server and no cluster, and needs none. Of a stack
 * that does not exist nothing is left behind. Answers Pulumi's exit code.
 */
export async function previewStack(spec: LoadedSpec, phase: Phase, signal: AbortSignal): Promise<number> {
  const { name } = spec.plan;
  const { pulumi } = await phase("tools", async () => {
    const { showToolProgress } = await import("../tool-progress.ts");
    const view = showToolProgress();
    return resolveTools(["pulumi"], { signal, onProgress: view.onProgress }).finally(view.end);
  });
  if (existsSync(stackDir(name))) return withStackLock(name, () => preview(spec, pulumi.path, signal, false));
  let code = 1;
  await withLastStackLock(name, async () => {
    code = await preview(spec, pulumi.path, signal, true);
  });
  return code;
}

async function preview(spec: LoadedSpec, pulumi: string, signal: AbortSignal, forget: boolean): Promise<number> {
  const stack = await openStack(spec.plan.name, pulumi, spec.file, signal);
  try {
    return await runPulumi(pulumi, { ...stack, env: { ...stack.env, ...specVariable(spec.text) } }, ["preview"]);
  } finally {
    if (forget) await forgetStack(pulumi, stack, { force: false, signal });
  }
}
