import type { Remote } from "./remote.ts";
import { changing, script } from "./script.ts";
import { runSteps, type Step, type StepOptions, type StepReport } from "./step.ts";

/** In this order: what runs, then what it used, then what was there before, then our own notes. */
const PARTS = [
  "services",
  "kubernetes",
  "network",
  "images",
  "files",
  "kernel settings",
  "packages",
  "folders",
] as const;

/**
 * Takes back everything that was done to a server, and nothing else: a server that we never touched is left alone, one
 * that was prepared half-way too. Files that were there before come back.
 */
export async function resetServer(remote: Remote, options: StepOptions = {}): Promise<StepReport[]> {
  return runSteps(
    remote.target.name,
    PARTS.map((part) => resetStep(remote, part)),
    options,
    remote.resume,
  );
}

function resetStep(remote: Remote, part: (typeof PARTS)[number]): Step {
  const values = { part: part.split(" ")[0] ?? "" };
  const run = (mode: "check" | "act", signal: AbortSignal | undefined) => ({
    step: `remove ${part}`,
    values: { ...values, mode },
    timeoutMs: 300_000,
    ...(signal ? { signal } : {}),
  });
  return {
    name: `remove ${part}`,
    check: (signal) => remote.test(script("reset"), run("check", signal)),
    act: async (signal) => {
      await remote.run(changing(script("reset")), run("act", signal));
    },
  };
}
