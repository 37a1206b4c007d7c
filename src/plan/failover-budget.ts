import { didYouMean } from "../spec/did-you-mean.ts";
import { type Problem, problem } from "../spec/problem.ts";
import type { ClusterSpec } from "../spec/schema.ts";
import { modelOf } from "./catalogue.ts";
import type { BudgetRow } from "./serving-plan.ts";

export const FAILURE_CLASSES = ["fatal-xid", "process-exit", "server-lost", "engine-hang"] as const;
type FailureClass = (typeof FAILURE_CLASSES)[number];
type Step = BudgetRow["chain"][number];

/** Input tokens per second and server: LMSYS 2025-05, TP16 pairs, worked back from published ratios. */
const PREFILL_TOKENS_PER_SECOND = 16_500;
/** Disk of one server: a third of one NVMe drive, because all ranks read at once. */
const READ_GB_PER_SECOND = 1;
/** Rendezvous, graph capture, warm-up (85 s of graphs logged on 2×8 H20). */
const START_SECONDS = 300;
/** The reconciler touches more than traffic only on a verdict that held so long. */
const CONFIRM_SECONDS = 3;

/** Per failure class the chain of time-outs from the fault to the first token of the group that takes over. */
export function failoverBudget(spec: ClusterSpec): BudgetRow[] {
  // Without a gateway nothing carries streams on, and without a standby nothing takes over.
  if (spec.failover.standby === "none" || spec.gateway === undefined) return [];
  const takeOver = spec.failover.standby === "hot" ? hotSteps(spec) : coldSteps(spec);
  return FAILURE_CLASSES.map((name) => {
    const chain = [...detection(spec)[name], ...takeOver];
    return { class: name, seconds: round(chain.reduce((sum, { seconds }) => sum + seconds, 0)), chain };
  });
}

/** Targets of the spec that its own chain of time-outs cannot meet, with what to change. */
export function targetProblems(spec: ClusterSpec): Problem[] {
  const rows = failoverBudget(spec);
  return Object.entries(spec.failover.targets).flatMap(([name, wanted]) => {
    const path = ["failover", "targets", name];
    if (!(FAILURE_CLASSES as readonly string[]).includes(name)) {
      const guess = didYouMean(name, FAILURE_CLASSES);
      return problem("E_PLAN_TARGET_CLASS", path, {
        what: `there is no failure class ${name}`,
        why: `a budget exists for ${FAILURE_CLASSES.join(", ")}`,
        fix: guess === undefined ? "use one of these names" : `write ${guess}`,
      });
    }
    const row = rows.find((one) => one.class === name);
    if (row === undefined) {
      return problem("E_PLAN_TARGET", path, {
        what: `nothing takes over within ${wanted} s after ${name}`,
        why: spec.gateway === undefined ? "the spec has no gateway" : "the spec has no standby",
        fix: spec.gateway === undefined ? "add gateway" : "set failover.standby to hot",
      });
    }
    if (row.seconds <= wanted) return [];
    return problem("E_PLAN_TARGET", path, {
      what: `${name} takes ${row.seconds} s, more than the ${wanted} s wanted`,
      why: row.chain.map(({ step, seconds }) => `${step} ${seconds} s`).join(", "),
      fix: `${shorten(row, wanted, spec)}set failover.targets.${name} to ${row.seconds} or more`,
    });
  });
}

/** What to change besides the target, as far as there is such a setting. */
function shorten(row: BudgetRow, wanted: number, spec: ClusterSpec): string {
  const least = leastSeconds(row.class, spec);
  if (wanted < least) return `no setting brings ${row.class} below ${least} s: `;
  const settable = row.chain.filter(({ from }) => from !== null);
  const longest = settable.reduce((most, step) => (step.seconds > most.seconds ? step : most));
  return `the longest part that a setting changes is ${longest.step}: change ${longest.from}, or `;
}

/** What is left of a class with another group loaded and nothing to prefill. */
function leastSeconds(name: string, spec: ClusterSpec): number {
  const model = { ...spec.model, contextLength: 0 };
  const failover = { ...spec.failover, standby: "hot" as const };
  return failoverBudget({ ...spec, model, failover }).find((row) => row.class === name)?.seconds ?? 0;
}

/** The gateway's limits of suspicion (`src/failover/choose/timing.ts`), and what comes before them. */
function detection(spec: ClusterSpec): Record<FailureClass, Step[]> {
  const fixed = null;
  const decide = { step: "agent to gateway, and its choice", seconds: 0.04, from: fixed };
  const stall = round(Math.max(5, 3 * prefillSeconds(spec)));
  const stallFrom = stall > 5 ? "model.contextLength (three of its prefills)" : fixed;
  return {
    "fatal-xid": [{ step: "kernel-log line to agent", seconds: 0.05, from: fixed }, decide],
    "process-exit": [{ step: "exit seen by agent", seconds: 0.05, from: fixed }, decide],
    "server-lost": [
      { step: "silence of beats and tokens", seconds: 0.6, from: fixed },
      { step: "choice", seconds: 0.02, from: fixed },
    ],
    "engine-hang": [
      { step: "no token while requests wait", seconds: stall, from: stallFrom },
      { step: "choice", seconds: 0.02, from: fixed },
    ],
  };
}

function hotSteps(spec: ClusterSpec): Step[] {
  return [
    { step: "continuation sent", seconds: 0.05, from: null },
    { step: "prefill of a full context", seconds: prefillSeconds(spec), from: "model.contextLength" },
  ];
}

function coldSteps(spec: ClusterSpec): Step[] {
  const load = modelOf(spec.model.preset).checkpointGB / READ_GB_PER_SECOND + START_SECONDS;
  return [
    { step: "verdict held", seconds: CONFIRM_SECONDS, from: "failover.standby" },
    { step: "load of the model", seconds: round(load), from: "failover.standby" },
    { step: "prefill of a full context", seconds: prefillSeconds(spec), from: "model.contextLength" },
  ];
}

/** The longest step that the plan expects of an engine; the gateway's patience follows from it. */
export function prefillSeconds(spec: ClusterSpec): number {
  const servers = Math.max(1, ...Object.values(spec.groups).map((members) => members.length));
  return round(spec.model.contextLength / (PREFILL_TOKENS_PER_SECOND * servers));
}

function round(seconds: number): number {
  return Math.round(seconds * 100) / 100;
}
