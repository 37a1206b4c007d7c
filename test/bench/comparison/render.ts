import type { FaultClass } from "../../../src/report/rehearsal.ts";
import { NONE, secondsText, spreadText, table } from "./cells.ts";
import { CONTENDERS } from "./contenders.ts";
import { COST } from "./cost.ts";
import type { Place } from "./facts.ts";
import type { ComparisonResult } from "./result.ts";
import { ROUND } from "./round.ts";
import type { Outcome } from "./score.ts";
import { type Summary, summarize } from "./summary.ts";

const PLACES: Record<Place, string> = { "rank 0": "of the server with rank 0", another: "of the other server" };

/** The section of docs/benchmarks.md. Pure: the same result, the same text. */
export function renderComparison(result: ComparisonResult): string {
  return `## Tandem beside other proxies\n\n${introduction(result)}\n\n${overview(result)}\n\n${details(result)}\n`;
}

function introduction({ date, commit, versions, machine, load, alone, runs }: ComparisonResult): string {
  const programs = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const seconds = (ms: number) => ms / 1000;
  const beside = alone
    ? "No other cluster and no other benchmark ran beside it, lesser work did"
    : "Other work ran beside it";
  return [
    `Measured ${date} with Tandem ${commit}, ${programs.join(", ")}, on ${machine.cpus} × ${machine.model}, Linux ${machine.kernel}. ` +
      `${beside}: load average of a minute ${load[0].toFixed(1)} at the beginning, ${load[1].toFixed(1)} at the end. ` +
      "Written by `npm run bench comparison`.",
    `All proxies stand before the same two emulated groups at the same time and live through the same fault together: ${runs} ` +
      `faults of each class, in turns on the server with rank 0 and on the other one. Through each run ${ROUND.streams} streams of ` +
      `${ROUND.answerTokens.min} to ${ROUND.answerTokens.max} tokens, 10 to 20 a second, and from the fault on a new short request ` +
      `each ${seconds(ROUND.probeEveryMs)} s for ${seconds(ROUND.probeForMs)} s. The client recomputes every token. What is silent for ` +
      `${seconds(ROUND.patienceMs)} s counts as failed. Everybody but Tandem spreads its streams over both groups, so that a fault strikes half of them; ` +
      "Tandem sends all to one group. Only streams of the group that was struck are counted as struck.",
    "Each configuration lies in `test/bench/comparison/config`, the tuned ones with a reason for each setting. nginx has no active " +
      "health checks (they belong to NGINX Plus). A plain Service before LeaderWorkerSets needs a cluster: `npm run bench plain-lws` measures it.",
  ].join("\n\n");
}

function overview({ outcomes, costs }: ComparisonResult): string {
  const rows = CONTENDERS.map(({ id, label }) => {
    const all = summarize(outcomes.filter((outcome) => outcome.id === id));
    const cost = costs.rows.find((one) => one.id === id);
    return [
      label,
      `${all.carriedOn} of ${all.struck}`,
      spreadText(all.gapSeconds),
      String(all.cut),
      String(all.silent),
      `${all.tokensLost}, ${all.tokensDoubled}`,
      `${all.probesFailed} of ${all.probes}`,
      secondsText(all.slowestFirstTokenSeconds),
      cost === undefined ? NONE : `${cost.usPerToken.toFixed(0)} µs`,
      cost === undefined ? NONE : `${cost.p50Ms.toFixed(1)}, ${cost.p99Ms.toFixed(1)} ms`,
    ];
  });
  const direct = costs.rows.find(({ id }) => id === "direct");
  const head = [
    "all classes",
    "struck streams that went on",
    "silent for, median and max",
    "cut off",
    "left silent",
    "tokens lost, doubled",
    "new requests failed",
    "slowest first token of those served",
    "processor time a token",
    "engine to client, p50 and p99",
  ];
  const broken = outcomes.reduce((sum, { othersBroken }) => sum + othersBroken, 0);
  return [
    table(head, rows),
    `Processor time (user and system) and delay are those of ${COST.streams} streams of 10 tokens a second for ` +
      `${COST.rounds} × ${(COST.tokens * COST.everyMs) / 1000} s without a fault, from a stub engine, one proxy after the other in turns, ` +
      `at a load average of ${costs.load.toFixed(1)}${costs.realTime ? " and with real-time priority over the other work" : ""}. ` +
      "Other work makes the caches cold, and a token that comes alone costs a wake-up: compare the rows, not the figures with those of other loads" +
      (direct
        ? `. Without any proxy the delay is ${direct.p50Ms.toFixed(1)} and ${direct.p99Ms.toFixed(1)} ms.`
        : ".") +
      ` Streams on the group that was not struck that ended wrong: ${broken}.`,
  ].join("\n\n");
}

function details({ outcomes }: ComparisonResult): string {
  const parts = Map.groupBy(outcomes, ({ fault, place }) => `${fault} ${place}`);
  return [...parts.values()].map(detail).join("\n\n");
}

function detail(outcomes: readonly Outcome[]): string {
  const [{ fault, place } = { fault: "server-power" as FaultClass, place: "rank 0" as Place }] = outcomes;
  const head = [
    "proxy",
    "struck streams that went on",
    "silent for, median and max",
    "cut off, after",
    "left silent",
    "new requests failed",
    "all served from",
    "slowest first token of those served",
  ];
  const rows = CONTENDERS.map(({ id, label }) => {
    const own = summarize(outcomes.filter((outcome) => outcome.id === id));
    return [
      label,
      `${own.carriedOn} of ${own.struck}`,
      spreadText(own.gapSeconds),
      own.cut === 0 ? "0" : `${own.cut}, ${spreadText(own.cutSeconds)}`,
      String(own.silent),
      `${own.probesFailed} of ${own.probes}`,
      servedText(own),
      secondsText(own.slowestFirstTokenSeconds),
    ];
  });
  const runs = outcomes.length / CONTENDERS.length;
  return `### ${fault} ${PLACES[place]} (${runs} ${runs === 1 ? "run" : "runs"})\n\n${table(head, rows)}`;
}

function servedText({ servedAfterSeconds: { median, max } }: Summary): string {
  const late = `not in ${ROUND.probeForMs / 1000} s`;
  if (median === null) return late;
  return max === null ? `${median.toFixed(2)} s, ${late}` : spreadText({ median, max });
}
