import { ensureBmcCredentials, localBmcs } from "../../emulator/bmc/credentials.ts";
import { ensureBmcs } from "../../emulator/bmc/keeper.ts";
import { openStack } from "../../infra/stack/open-stack.ts";
import { clearPending } from "../../infra/stack/pending-operations.ts";
import { writePrepared } from "../../infra/stack/prepared.ts";
import { clearStaleLock } from "../../infra/stack/pulumi-lock.ts";
import { resumeVariable } from "../../infra/stack/resume.ts";
import { runPulumi } from "../../infra/stack/run-pulumi.ts";
import { specVariable } from "../../infra/stack/spec-digest.ts";
import { writeStackPrograms } from "../../infra/stack/stack-programs.ts";
import { writeRecord } from "../../infra/stack/stack-record.ts";
import { ensureStackSecrets } from "../../infra/stack/stack-secrets.ts";
import { tandemHome } from "../../machines/home.ts";
import { noSpace } from "../../machines/no-space.ts";
import type { ServingPlan } from "../../plan/serving-plan.ts";
import { machinesAreMissing } from "./missing-machines.ts";
import type { Phase } from "./phases.ts";
import { prepareStack } from "./prepare-stack.ts";

export interface LoadedSpec {
  plan: ServingPlan;
  /** The text that the plan was made from. */
  text: string;
  /** Absolute path of the spec. */
  file: string;
}

/**
 * From a plan to a stack that serves: what this computer must have, then `pulumi up`. Answers Pulumi's exit code.
 *
 * @param refresh looks at everything first: what was changed or removed by hand since is put right
 * @throws TandemError E_NO_SPACE where the disk is full, whatever noticed it first
 */
export async function updateStack(
  spec: LoadedSpec,
  phase: Phase,
  signal: AbortSignal,
  refresh = false,
): Promise<number> {
  try {
    return await update(spec, phase, signal, refresh);
  } catch (error) {
    throw noSpace(error, `stack ${spec.plan.name} was not updated`, tandemHome()) ?? error;
  }
}

async function update(
  { plan, text, file }: LoadedSpec,
  phase: Phase,
  signal: AbortSignal,
  refresh: boolean,
): Promise<number> {
  const { prepared, tools } = await prepareStack(plan, phase, signal);
  const pulumi = tools.pulumi.path;
  await writePrepared(plan.name, prepared);
  await ensureStackSecrets(plan.name);
  const bmcs = localBmcs(plan);
  await ensureBmcCredentials(plan.name, bmcs);
  await writeRecord(plan, file);
  const stack = await phase("stack", async (say) => {
    const opened = await openStack(plan.name, pulumi, file, signal);
    await writeStackPrograms(opened.files, { kubectl: tools.kubectl.path, pulumi });
    await clearStaleLock(plan.name, opened.files, { say, signal });
    await clearPending(pulumi, opened, signal);
    return opened;
  });
  // One failed server must not keep the others from being finished.
  const flags = ["--yes", "--skip-preview", "--parallel", "32", "--continue-on-error"];
  // Pulumi compares with what it remembers; a machine that was switched off or removed since is seen by looking.
  if (refresh || (await machinesAreMissing(plan))) flags.push("--refresh");
  const env = { ...stack.env, ...specVariable(text), ...resumeVariable("up", file) };
  const code = await phase("pulumi up", () => runPulumi(pulumi, { ...stack, env }, ["up", ...flags]));
  if (plan.spec.provision.kind === "local" && !signal.aborted)
    await startBmcs(plan.name, bmcs, phase).catch((error: unknown) => {
      // Pulumi has said what went wrong; without machines there is nothing to give them to.
      if (code === 0) throw error;
    });
  return code;
}

/** After the machines: their network is what BMCs of local machines lie on. */
async function startBmcs(stack: string, bmcs: Readonly<Record<string, string>>, phase: Phase): Promise<void> {
  if (Object.keys(bmcs).length === 0) return ensureBmcs(stack, bmcs);
  await phase("BMCs", () => ensureBmcs(stack, bmcs));
}
