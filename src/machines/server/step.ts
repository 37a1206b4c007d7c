import { TandemError } from "../../errors.ts";

/** One thing that must be true on a server. `check` looks and changes nothing; `act` makes it so, also from half-way. */
export interface Step {
  name: string;
  check: (signal: AbortSignal | undefined) => Promise<boolean>;
  act: (signal: AbortSignal | undefined) => Promise<void>;
  /** Looks again after `act`; `check` unless the effect takes a while to show. */
  verify?: (signal: AbortSignal | undefined) => Promise<boolean>;
}

export interface StepEvent {
  server: string;
  step: string;
  /** 1-based place among the steps of this call. */
  at: number;
  of: number;
  /** "present": the check said that there is nothing to do. */
  state: "running" | "done" | "present" | "failed";
  ms: number;
}

export interface StepReport {
  step: string;
  state: "done" | "present";
  ms: number;
}

export interface StepOptions {
  onStep?: ((event: StepEvent) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * Runs steps in their order: check → act → verify. Steps that are already true are left alone, so the whole list can be
 * run again after any interruption.
 *
 * @param resume the command that carries on after a failure
 * @throws what a step throws; E_CANCELLED between steps; E_STEP_VERIFY if a step acted and is still not true
 */
export async function runSteps(
  server: string,
  steps: readonly Step[],
  { onStep, signal }: StepOptions,
  resume: string,
): Promise<StepReport[]> {
  const reports: StepReport[] = [];
  for (const [index, { name, check, act, verify = check }] of steps.entries()) {
    const began = performance.now();
    const tell = (state: StepEvent["state"]) => {
      const ms = Math.round(performance.now() - began);
      onStep?.({ server, step: name, at: index + 1, of: steps.length, state, ms });
      return ms;
    };
    if (signal?.aborted) throw cancelled(server, name, resume);
    tell("running");
    try {
      if (await check(signal)) {
        reports.push({ step: name, state: "present", ms: tell("present") });
        continue;
      }
      await act(signal);
      if (!(await verify(signal))) throw unverified(server, name, resume);
    } catch (error) {
      tell("failed");
      throw error;
    }
    reports.push({ step: name, state: "done", ms: tell("done") });
  }
  return reports;
}

function cancelled(server: string, step: string, resume: string): TandemError {
  return new TandemError({
    code: "E_CANCELLED",
    what: `${server}: stopped before ${step}`,
    why: "the run was cancelled",
    fix: `run \`${resume}\` to go on from here`,
  });
}

function unverified(server: string, step: string, resume: string): TandemError {
  return new TandemError({
    code: "E_STEP_VERIFY",
    what: `${server}: ${step} had no effect`,
    why: "its commands succeeded, but the check that follows them still says no: something else on the server undoes it",
    fix: `look for another program that manages this server (configuration management, an image's own services), then run \`${resume}\``,
  });
}
