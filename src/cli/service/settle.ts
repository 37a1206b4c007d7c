import type { ModelService } from "../../manifests/model-service/resource.ts";
import { EXIT, Exit } from "../exit.ts";
import { interrupted } from "../interrupted.ts";
import { printData } from "../output.ts";
import { type ServiceAccess, withService } from "./access.ts";
import type { CommonOptions } from "./command.ts";
import { followService } from "./follow.ts";

/** The reconciler looks at least once a second; longer than this nobody does. */
const CONFIRM_MS = 15_000;

/** Follows until the reconciler shows the condition `Paused` with this status; false if it does not in time. */
async function confirmedPause(access: ServiceAccess, wanted: "True" | "False"): Promise<boolean> {
  const signal = AbortSignal.any([interrupted(), AbortSignal.timeout(CONFIRM_MS)]);
  for await (const service of followService(access, signal)) if (pausedCondition(service) === wanted) return true;
  return false;
}

function pausedCondition({ status }: ModelService): string {
  return status?.conditions.find(({ type }) => type === "Paused")?.status ?? "False";
}

/** Writes by `change`, waits for the reconciler to show it, and prints the one line that `say` gives. */
export async function pauseOrResume(
  options: CommonOptions,
  wanted: "True" | "False",
  change: (access: ServiceAccess) => Promise<ModelService>,
  say: (service: ModelService) => string,
): Promise<void> {
  const { output, stack } = options;
  const { service, seen } = await withService(options, async (access) => {
    const written = await change(access);
    return { service: written, seen: await confirmedPause(access, wanted) };
  });
  if (output !== "text")
    await printData({ outcome: seen ? "done" : "unknown", pause: service.spec.pause ?? null }, output);
  else if (seen) process.stdout.write(`${say(service)}\n`);
  else
    process.stdout.write(
      `not known yet: it is written, and the reconciler has not shown it in ${CONFIRM_MS / 1000} s\n  see: tandem explain decision --stack ${stack}\n`,
    );
  if (!seen) throw new Exit(EXIT.unknown);
}
