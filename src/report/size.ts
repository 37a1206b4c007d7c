import { rangeOf } from "../plan/performance/range.ts";
import type { SizeAsk, Standby } from "../plan/size/ask.ts";
import type { SizeAnswer, SizeSet } from "../plan/size/size.ts";
import { thousands } from "../plan/thousands.ts";
import { type Paint, plainPaint } from "./paint.ts";
import { wrap } from "./wrap.ts";

const STANDBY_WORDS: Record<Standby, string> = {
  none: "no standby: the death of a server ends the service until it is repaired",
  hot: "hot: a second loaded group takes over within seconds",
  spare: "spare: a prepared server joins and the group loads again, 2 to 20 minutes",
  degraded: "degraded: one surviving server serves the 4-bit build until the repair",
};

/** The answer to "what do I need" as a person reads it, at most 80 columns; every figure of speed is a range. */
export function sizeText(answer: SizeAnswer, paint: Paint = plainPaint): string {
  const { ask, sets, nearest, shapesThatDoNotWork } = answer;
  const lines = [...wrap(askSentence(ask)), ""];
  if (sets.length > 0) {
    lines.push(paint("heading", "SMALLEST SETS, fewest servers first"));
    lines.push(...sets.flatMap((set) => setLines(set, paint)));
  } else {
    lines.push(paint("warning", `NOTHING up to ${ask.maxServers} servers meets this; the nearest of each kind:`));
  }
  if (nearest.length > 0) {
    if (sets.length > 0)
      lines.push("", paint("heading", `NOT with up to ${ask.maxServers} servers of these; nearest:`));
    lines.push(...nearest.flatMap((set) => setLines(set, paint)));
  }
  lines.push("", paint("heading", "SHAPES THAT DO NOT WORK"));
  for (const { shape, why, goodFor } of shapesThatDoNotWork) {
    lines.push(...wrap(`${shape}: ${why}. Good for: ${goodFor}.`, "  - ", "    "));
  }
  lines.push(
    "",
    ...wrap(
      "Ranges come from a model that met published runs it had not seen within 40 % (docs/planner.md). Measure before you sign.",
    ),
  );
  return `${lines.join("\n")}\n`;
}

function askSentence({
  users,
  inputTokens,
  outputTokens,
  prefixHitRate,
  ttftSeconds,
  tokensPerSecond,
  ...ask
}: SizeAsk) {
  const wishes = [
    `${number(users)} ${users === 1 ? "user" : "users"} at once`,
    `${number(inputTokens)} tokens in${prefixHitRate > 0 ? ` (${Math.round(prefixHitRate * 100)} % cached)` : ""}`,
    `${number(outputTokens)} out`,
  ];
  if (ttftSeconds !== undefined) wishes.push(`first token within ${ttftSeconds} s`);
  if (tokensPerSecond !== undefined) wishes.push(`${tokensPerSecond} tokens/s for each`);
  if (ask.survive === "server") wishes.push("must outlive one server");
  return `${ask.model}, ${ask.fabric.kind === "none" ? "no RDMA" : ask.fabric.kind}: ${wishes.join(", ")}`;
}

function setLines(
  { gpu, model, calibrated, standby, servers, serversPerGroup, activeGroups, fit }: SizeSet,
  paint: Paint,
) {
  const { estimate, option, verdict, mostUsers, givesFirst } = fit;
  const title = `${servers} ${servers === 1 ? "server" : "servers"} of 8 × ${gpu}`;
  const groups = `${activeGroups} serving ${activeGroups === 1 ? "group" : "groups"} of ${serversPerGroup}`;
  const speed = rangeOf(1 / estimate.tpotSeconds);
  const first = rangeOf(estimate.ttftSeconds);
  const all = rangeOf(estimate.outputTokensPerSecond * activeGroups);
  const room = mostUsers * activeGroups;
  const standing = {
    sure: "meets the ask even at the bad end of the ranges",
    likely: "meets the ask by the figure, not at the bad end: measure first",
    no: "does not meet the ask",
  }[verdict];
  return [
    `  ${paint("name", title)}`,
    ...wrap(`${groups}, layout ${option.judged.layout.name}; ${STANDBY_WORDS[standby]}`, "    "),
    ...wrap(
      `first token ${seconds(first.low)} to ${seconds(first.high)} s, ${Math.round(speed.low)} to ${Math.round(speed.high)} tokens/s for each, ${number(Math.round(all.low))} to ${number(Math.round(all.high))} in all`,
      "    ",
    ),
    ...wrap(
      room > 0
        ? `${standing}; up to ${number(room)} users, then ${givesFirst} gives first`
        : `${standing}: ${givesFirst} fails with one user`,
      "    ",
    ),
    ...(calibrated
      ? []
      : wrap(
          `${model}: 4-bit weights; the ranges were fitted on FP8, and published 4-bit runs took up to 1.6 times as long`,
          "    ! ",
        )),
    ...(activeGroups > 1 ? wrap("several serving groups are several stacks behind a balancer of yours", "    ! ") : []),
  ];
}

const number = thousands;
const seconds = (value: number) => value.toFixed(value < 10 ? 1 : 0);
