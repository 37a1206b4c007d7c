import type { PhaseName, ScenarioName } from "../../../src/report/drill.ts";
import type { Entry } from "./entry.ts";

export interface DrillsMachine {
  date: string;
  cpus: number;
  model: string;
  kernel: string;
}

const SHOWN: readonly [PhaseName, string][] = [
  ["decided", "decided"],
  ["next token", "next token"],
  ["old group isolated", "isolated"],
  ["fenced", "fenced"],
  ["redundant again", "redundant again"],
];

/** The section of docs/benchmarks.md: each drill with its times beside their budgets. Pure. */
export function renderDrills(
  entries: readonly Entry[],
  names: readonly ScenarioName[],
  { date, cpus, model, kernel }: DrillsMachine,
): string {
  const commits = [...new Set(entries.map(({ commit }) => commit))].join(", ");
  const loads = entries.map(({ load }) => load);
  const sum = (of: (entry: Entry) => number) => entries.reduce((total, entry) => total + of(entry), 0);
  const failed = entries.filter(({ report }) => !report.passed);
  const lines = [
    "## Drills on the local cluster",
    "",
    `Measured ${date} with Tandem ${commits} on ${cpus} × ${model}, Linux ${kernel}; load average of a minute from ${Math.min(...loads).toFixed(0)} to ${Math.max(...loads).toFixed(0)}, of which the cluster itself makes a good part. Real Kubernetes, emulated engines, 20 streams each. Seconds, as median and worst where a drill ran more than once, and what it may take in brackets; what [drills](drills.md) says about phases and promises is not repeated here.`,
    "",
    `| drill | passed | ${SHOWN.map(([, title]) => title).join(" | ")} | longest pause of a stream | load |`,
    `| --- | --- | ${SHOWN.map(() => "---").join(" | ")} | --- | --- |`,
    ...names.map((name) => row(name, entries)),
    "",
    `${sum(({ report }) => report.streams.tokens)} tokens of ${sum(({ report }) => report.streams.streams)} streams and new requests: ${sum(({ report }) => report.streams.lost)} lost, ${sum(({ report }) => report.streams.doubled)} doubled. ${sum(({ decisions }) => decisions)} recorded decisions were made again: ${sum(({ differences }) => differences)} came out otherwise.`,
    ...(failed.length === 0 ? [] : ["", "Red:", ""]),
    ...failed.map(
      ({ report, load }) => `- ${report.scenario}, at load ${load.toFixed(0)}: ${report.failures.join("; ")}`,
    ),
  ];
  return lines.join("\n");
}

function row(name: ScenarioName, entries: readonly Entry[]): string {
  const own = entries.filter(({ report }) => report.scenario === name);
  const passed = own.filter(({ report }) => report.passed).length;
  const phases = SHOWN.map(([phase]) => {
    const found = own.flatMap(({ report }) => report.phases.filter((one) => one.phase === phase));
    const budget = found[0]?.budgetSeconds ?? null;
    const times = span(found.map(({ seconds }) => seconds));
    return budget === null || times === "–" ? times : `${times} (${budget})`;
  });
  const pauses = span(own.map(({ report }) => report.streams.longestPauseSeconds));
  const loads = own.map(({ load }) => load.toFixed(0)).join(", ");
  return `| ${name} | ${passed} of ${own.length} | ${phases.join(" | ")} | ${pauses} | ${loads} |`;
}

/** The median and the worst; one that did not happen is the worst of all. */
export function span(values: readonly (number | null)[]): string {
  if (values.length === 0) return "–";
  const sorted = values.map((value) => value ?? Number.POSITIVE_INFINITY).toSorted((a, b) => a - b);
  const text = (value = Number.NaN) => (value === Number.POSITIVE_INFINITY ? "never" : value.toFixed(2));
  const [middle, worst] = [text(sorted[Math.floor((sorted.length - 1) / 2)]), text(sorted.at(-1))];
  return values.length === 1 ? worst : `${middle}, ${worst}`;
}
