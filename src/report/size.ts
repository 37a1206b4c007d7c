import { modelOf } from "../plan/catalogue.ts";
import { rangeOf } from "../plan/performance/range.ts";
import type { SizeAsk, Standby } from "../plan/size/ask.ts";
import type { Limit } from "../plan/size/fit.ts";
import type { SizeAnswer, SizeSet } from "../plan/size/size.ts";
import { thousands } from "../plan/thousands.ts";
import { type Paint, plainPaint } from "./paint.ts";
import { table } from "./table.ts";
import { wrap } from "./wrap.ts";

const STANDBY_WORDS: Record<Standby, string> = {
  none: "none: the death of a server ends the service until it is repaired",
  hot: "hot: one more loaded group takes over within seconds",
  spare: "spare: a prepared server joins and the group loads again, 2 to 20 minutes",
  degraded: "degraded: one surviving server serves the 4-bit build until the repair",
};
const LIMIT_WORDS: Record<Limit, string> = {
  "first token": "first s",
  "tokens a second": "tokens/s",
  "KV cache": "KV",
  "running requests": "batch",
};
const HEAD = ["servers", "layout", "standby", "first s", "tokens/s", "users", "then"];

/** The answer to "what do I need" as a person reads it, at most 80 columns; every figure of speed is a range. */
export function sizeText(answer: SizeAnswer, paint: Paint = plainPaint): string {
  const { ask, sets, nearest, smallerModels, shapesThatDoNotWork } = answer;
  const sure = sets.filter(({ fit }) => fit.verdict === "sure");
  const likely = sets.filter((set) => set.fit.verdict !== "sure" && set.model === ask.model);
  const fourBit = sets.filter((set) => set.fit.verdict !== "sure" && set.model !== ask.model);
  const sections = [
    wrap(askSentence(ask)),
    setSection(paint("heading", "MEETS IT, even at the bad end of the ranges"), sure),
    setSection(paint("heading", "MEETS IT BY THE FIGURE, not at the bad end: measure first"), likely),
    setSection(
      paint("heading", `MEETS IT WITH 4-BIT WEIGHTS (${[...new Set(fourBit.map(({ model }) => model))].join(", ")})`),
      fourBit,
      "The ranges were fitted on FP8; published 4-bit runs took up to 1.6 times as long.",
    ),
    nearestSection(answer, paint),
    wordsSection([...sets, ...nearest]),
    smallerSection(smallerModels, paint),
    shapesSection(shapesThatDoNotWork, paint),
    wrap(
      "Ranges come from a model that met published runs it had not seen within 40 % (docs/planner.md; tandem explain ttft). Measure before you sign.",
    ),
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n")}\n`;
}

function askSentence({ users, inputTokens, outputTokens, prefixHitRate, ...ask }: SizeAsk): string {
  const wishes = [
    `${thousands(users)} ${users === 1 ? "user" : "users"} at once`,
    `${thousands(inputTokens)} tokens in${prefixHitRate > 0 ? ` (${Math.round(prefixHitRate * 100)} % cached)` : ""}`,
    `${thousands(outputTokens)} out`,
  ];
  if (ask.ttftSeconds !== undefined) wishes.push(`first token within ${ask.ttftSeconds} s`);
  if (ask.tokensPerSecond !== undefined) wishes.push(`${ask.tokensPerSecond} tokens/s for each`);
  if (ask.survive === "server") wishes.push("must outlive one server");
  return `${ask.model}, ${ask.fabric.kind === "none" ? "no RDMA" : ask.fabric.kind}: ${wishes.join(", ")}`;
}

function setSection(heading: string, sets: readonly SizeSet[], note?: string): string[] {
  if (sets.length === 0) return [];
  return [heading, ...(note === undefined ? [] : wrap(note, "  ")), ...table([HEAD, ...sets.map(setRow)], "  ")];
}

function nearestSection({ ask, sets, nearest }: SizeAnswer, paint: Paint): string[] {
  if (nearest.length === 0 && sets.length > 0) return [];
  const heading =
    sets.length === 0
      ? paint("warning", `NOTHING up to ${ask.maxServers} servers meets this; the nearest of each kind:`)
      : paint("heading", `NOT with up to ${ask.maxServers} servers of these; the nearest:`);
  const fourBit = nearest.filter(({ model }) => model !== ask.model).map(({ gpu, model }) => `${gpu} with ${model}`);
  return setSection(heading, nearest, fourBit.length > 0 ? `Of 4 bits: ${fourBit.join(", ")}.` : undefined);
}

/** Servers, layout, standby, seconds, tokens a second of each, users until it gives, and what gives. */
function setRow(set: SizeSet): string[] {
  const { gpu, servers, gpusPerServer, activeGroups, standby, fit, calibrated } = set;
  const { estimate, option, mostUsers, givesFirst } = fit;
  const first = rangeOf(estimate.ttftSeconds);
  const speed = rangeOf(1 / estimate.tpotSeconds);
  const { name } = option.judged.layout;
  return [
    `${servers} of ${gpusPerServer}×${gpu}${calibrated ? "" : "*"}`,
    activeGroups > 1 ? `${activeGroups}× ${name}` : name,
    standby,
    `${seconds(first.low)}-${seconds(first.high)}`,
    `${Math.round(speed.low)}-${Math.round(speed.high)}`,
    thousands(mostUsers * activeGroups),
    LIMIT_WORDS[givesFirst],
  ];
}

function wordsSection(sets: readonly SizeSet[]): string[] {
  const used = (Object.keys(STANDBY_WORDS) as Standby[]).filter((word) => sets.some(({ standby }) => standby === word));
  const lines = wrap(
    "first s: seconds to the first token. tokens/s: of each user. users: as many fit at once within the ask, then what is named gives.",
    "  ",
  );
  lines.push(...used.flatMap((word) => wrap(STANDBY_WORDS[word], "  ", "    ")));
  if (sets.some(({ activeGroups }) => activeGroups > 1))
    lines.push(...wrap("2× tp8: several groups serve; each is a stack of its own, behind a balancer of yours", "  "));
  if (sets.some(({ calibrated }) => !calibrated))
    lines.push(...wrap("*: no published run of this GPU or these weights was used: nothing is called sure", "  "));
  return lines;
}

function smallerSection(sets: readonly SizeSet[], paint: Paint): string[] {
  if (sets.length === 0) return [];
  const rows = sets.map((set) => {
    const row = setRow({ ...set, calibrated: true });
    const gpqa = modelOf(set.model).gpqaDiamond;
    return [set.model.replace("deepseek-r1-", ""), row[0] ?? "", row[2] ?? "", row[4] ?? "", row[5] ?? "", `${gpqa} %`];
  });
  const full = modelOf("deepseek-r1").gpqaDiamond;
  return [
    paint("heading", "ANOTHER MODEL, for less hardware and with weaker answers"),
    ...wrap(`R1 answers ${full} % of GPQA Diamond right; DeepSeek's own figures, January 2025, bf16.`, "  "),
    ...table([["model", "servers", "standby", "tokens/s", "users", "GPQA"], ...rows], "  "),
  ];
}

function shapesSection(shapes: SizeAnswer["shapesThatDoNotWork"], paint: Paint): string[] {
  if (shapes.length === 0) return [];
  return [
    paint("heading", "SHAPES THAT DO NOT WORK"),
    ...shapes.flatMap(({ shape, why, goodFor }) => wrap(`${shape}: ${why}. Good for ${goodFor}.`, "  - ", "    ")),
  ];
}

const seconds = (value: number) => value.toFixed(value < 10 ? 1 : 0);
