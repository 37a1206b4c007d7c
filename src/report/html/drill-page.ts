import { type DrillReport, PHASE_MEANINGS } from "../drill.ts";
import { failoverWords, nextToken } from "../drill-text.ts";
import { axisOf } from "./axis.ts";
import { drillPhases } from "./drill-phases.ts";
import { drillTimeline } from "./drill-timeline.ts";
import { lineChart } from "./line-chart.ts";
import { asText, detailsOf, paragraphs, sectionOf, sideBySide, tableOf } from "./markup.ts";
import { pageOf } from "./page.ts";

/** Past drills on the page: half a year of weekly ones. */
const MOST_PAST = 26;
/** There is no half of a drill. */
const whole = (value: number) => (Number.isInteger(value) ? String(value) : "");
const number = (seconds: number | null) => (seconds === null ? "never" : `${seconds.toFixed(2)} s`);

/**
 * One drill as a page by itself: the picture of the fault, phases against budgets, streams, and how past drills of the same
 * scenario went. No script and nothing from elsewhere.
 *
 * @param past earlier drills of the same scenario and stack, the oldest first
 */
export function drillPage(report: DrillReport, past: readonly DrillReport[]): string {
  const { scenario, stack, passed, victim, startedAt } = report;
  const isReal = scenario === "failover";
  const title = isReal
    ? `Failover of ${stack}: ${passed ? "recovered" : "not recovered"}`
    : `Drill ${scenario} on ${stack}: ${passed ? "passed" : "failed"}`;
  return pageOf({
    title,
    lead: [
      `${startedAt.slice(0, 19).replace("T", " ")} UTC, ${where(report)}. ${victim === null ? "" : `${victim}: `}${report.what}.`,
      moveText(report),
    ],
    main: [
      ...(report.failures.length > 0 ? [failureSection(report)] : []),
      sectionOf("timeline", "What happened", isReal ? "" : drillTimeline(report), momentTable(report)),
      sectionOf("phases", "Phases", sideBySide(drillPhases(report.phases), phaseTable(report))),
      streamSection(report),
      trendSection(report, past),
      sectionOf("versions", "Measured with", tableOf("Versions", ["What", "Version"], Object.entries(report.versions))),
    ],
    footer: isReal
      ? "Written by tandem drill report, of what gateways and reconciler wrote down. Times count from the first sign that a gateway had."
      : "Written by tandem drill. Times are measured from the injector's own time stamp on one clock; docs/drills.md says how.",
  });
}

function where({ arena, layout, model }: DrillReport): string {
  if (layout === "") return model;
  const place = arena === "rehearsal" ? "processes of one machine, engines emulated" : "on the cluster";
  return `${model} on ${layout}, ${place}`;
}

function moveText({ from, to, reason }: DrillReport): string {
  if (to === null || to === from) return `Group ${from} served before and after.`;
  return `Traffic went from group ${from} to group ${to}${reason === null ? "" : `: ${reason}`}.`;
}

function failureSection({ failures }: DrillReport): string {
  const items = failures.map((text) => `<li>${asText(text)}</li>`).join("\n");
  return sectionOf("failures", `Why it failed (${failures.length})`, `<ul>${items}</ul>`);
}

function momentTable({ timeline }: DrillReport): string {
  const rows = timeline.map(({ seconds, text, detail }) => [`${seconds.toFixed(2)} s`, text, detail ?? ""]);
  return tableOf("Seconds after the fault", ["When", "What", "More"], rows);
}

function phaseTable({ phases }: DrillReport): string {
  const rows = phases.map(({ phase, seconds, budgetSeconds }) => [
    phase,
    number(seconds),
    budgetSeconds === null ? "none" : `${budgetSeconds} s`,
    PHASE_MEANINGS[phase],
  ]);
  return tableOf("Each phase beside what it may take", ["Phase", "Took", "Budget", "From the fault until"], rows);
}

function streamSection({ streams, gaps, scenario }: DrillReport): string {
  if (scenario === "failover") return sectionOf("streams", "Streams", paragraphs(`${failoverWords(streams)}.`));
  const { streams: all, perfect, carriedOn, tokens, lost, doubled, foreign, longestPauseSeconds } = streams;
  const rows = gaps
    .toSorted((a, b) => b.longestPauseSeconds - a.longestPauseSeconds)
    .map((gap) => [
      gap.stream,
      String(gap.tokens),
      number(gap.longestPauseSeconds),
      gap.carriedOn ? "carried on" : "stayed",
    ]);
  return sectionOf(
    "streams",
    "Streams",
    paragraphs(
      `${perfect} of ${all} are whole, ${carriedOn} were carried on by the other group. ${tokens} tokens: ${lost} lost, ${doubled} doubled, ${foreign} foreign. The longest pause was ${longestPauseSeconds.toFixed(2)} s.`,
    ),
    detailsOf(
      `All ${gaps.length} streams`,
      tableOf("Longest time without a token", ["Stream", "Tokens", "Pause", "Group"], rows),
    ),
  );
}

function trendSection(report: DrillReport, past: readonly DrillReport[]): string {
  const shown = [...past, report].slice(-MOST_PAST);
  const felt = shown.flatMap((one, at) => {
    const seconds = nextToken(one);
    return seconds === null ? [] : [[at + 1, seconds] as const];
  });
  const rows = shown.map((one) => [
    one.startedAt.slice(0, 16).replace("T", " "),
    number(nextToken(one)),
    one.scenario === "failover" ? String(one.streams.carriedOn) : `${one.streams.perfect}/${one.streams.streams}`,
    one.passed ? "passed" : (one.failures[0] ?? "failed"),
  ]);
  const table = tableOf(
    "Past drills of this scenario",
    ["Started (UTC)", "Until clients went on", "Streams", "Verdict"],
    rows,
  );
  if (felt.length < 2) return sectionOf("trend", "Trend", paragraphs("This is the first one to compare with."), table);
  const x = axisOf({ label: "drills, the latest last", values: [shown.length], format: whole });
  const y = axisOf({
    label: "seconds",
    values: felt.map(([, seconds]) => seconds),
    format: (value) => String(Number(value.toPrecision(6))),
  });
  const description = `${felt.length} drills from ${felt[0]?.[1].toFixed(2)} s to ${felt.at(-1)?.[1].toFixed(2)} s.`;
  const series = [{ name: "until clients went on", points: felt }];
  const chart = lineChart({ id: "trend-chart", title: "Seconds until clients went on", description, x, y, series });
  return sectionOf("trend", "Trend", sideBySide(chart, table));
}
