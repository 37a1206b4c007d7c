import { NONE, secondsText, spreadText, table } from "../comparison/cells.ts";
import type { Place } from "../comparison/facts.ts";
import { ROUND } from "../comparison/round.ts";
import { summarize } from "../comparison/summary.ts";
import type { PlainOutcome } from "./outcome.ts";

/** A run of the benchmark, and what it ran on. */
export interface PlainResult {
  /** `2026-11-28` */
  date: string;
  commits: readonly string[];
  kubernetes: string;
  lws: string;
  machine: { cpus: number; model: string; kernel: string };
  /** Load averages of a minute after each round. */
  loads: readonly number[];
  outcomes: readonly PlainOutcome[];
  /** Seconds: how long a group had to come back, and new requests were sent. */
  againSeconds: number;
  probeSeconds: number;
}

const PLACES: Record<Place, string> = { "rank 0": "server with rank 0", another: "other server" };
const HEAD = [
  "fault",
  "runs",
  "struck streams that went on",
  "cut off, after",
  "left silent",
  "tokens lost, doubled",
  "new requests failed",
  "all served from",
  "slowest first token of those served",
  "group serves again, alone",
  "group serves again, after the repair",
];

/** The section of docs/benchmarks.md. Pure: the same result, the same text. */
export function renderPlain(result: PlainResult): string {
  const parts = Map.groupBy(result.outcomes, ({ fault, place }) => `${fault}, ${PLACES[place]}`);
  const rows = [...parts].map(([name, outcomes]) => row(name, outcomes, result));
  return `## A Service before LeaderWorkerSets\n\n${introduction(result)}\n\n${table(HEAD, rows)}\n\n${closing(result)}\n`;
}

function introduction({ date, commits, kubernetes, lws, machine, loads, ...times }: PlainResult): string {
  const [low, high] = [Math.min(...loads), Math.max(...loads)];
  return [
    `Measured ${date} with the emulator of Tandem ${commits.join(", ")} on Kubernetes ${kubernetes} and LeaderWorkerSet ${lws}, ` +
      `${machine.cpus} × ${machine.model}, Linux ${machine.kernel}; load average of a minute from ${low.toFixed(0)} to ` +
      `${high.toFixed(0)}. Written by \`npm run bench plain-lws\`.`,
    "What is there without Tandem: two LeaderWorkerSets of two servers, and one Service before both leaders. Probe and restart policy " +
      "are those of LeaderWorkerSet's SGLang example, whatever it does not say is Kubernetes' default; of Tandem there is no agent, " +
      "no gateway and no reconciler. Clients come in by the Service's node port on a server that no fault hits.",
    `Streams, clients and counts are those of the comparison above: ${ROUND.streams} streams over both groups, of which the ones ` +
      `of the struck group count as struck; new requests each ${ROUND.probeEveryMs / 1000} s, counted for ` +
      `${ROUND.probeForMs / 1000} s as there, and sent for ${times.probeSeconds} s to see from when all are served. ` +
      `A fault lasts until the group has had ${times.againSeconds} s to serve again alone; then power or cable come back. ` +
      "There the group is on a cluster and no process of this computer: compare what happens, and times of seconds.",
  ].join("\n\n");
}

function row(name: string, outcomes: readonly PlainOutcome[], { againSeconds, probeSeconds }: PlainResult): string[] {
  const own = summarize(outcomes);
  const repaired = outcomes.flatMap(({ repairedSeconds: seconds }) => (seconds === undefined ? [] : [seconds]));
  return [
    name,
    String(outcomes.length),
    `${own.carriedOn} of ${own.struck}`,
    own.cut === 0 ? "0" : `${own.cut}, ${spreadText(own.cutSeconds)}`,
    String(own.silent),
    `${own.tokensLost}, ${own.tokensDoubled}`,
    `${own.probesFailed} of ${own.probes}`,
    eachText(
      outcomes.map(({ servedAfterSeconds }) => servedAfterSeconds),
      `not in ${probeSeconds} s`,
    ),
    secondsText(own.slowestFirstTokenSeconds),
    eachText(
      outcomes.map(({ aloneSeconds }) => aloneSeconds),
      `not in ${againSeconds} s`,
    ),
    repaired.length === 0 ? NONE : eachText(repaired, `not in ${againSeconds} s`),
  ];
}

/** One figure of each run. */
function eachText(values: readonly (number | null)[], never: string): string {
  return values.map((value) => (value === null ? never : `${value.toFixed(1)} s`)).join("; ");
}

function closing({ outcomes, probeSeconds }: PlainResult): string {
  const sum = (of: (one: PlainOutcome) => number) => outcomes.reduce((total, one) => total + of(one), 0);
  return (
    `Of all new requests in ${probeSeconds} s after each fault ${sum((one) => one.allProbesFailed)} of ` +
    `${sum((one) => one.allProbes)} failed. Streams on the group that was not struck that ended wrong: ${sum((one) => one.othersBroken)}.`
  );
}
