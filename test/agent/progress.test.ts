import { expect, test } from "vitest";
import { parseTokens } from "../../src/agent/engine/progress.ts";

const live = (rank: number, mode: string, count: number) =>
  `sglang:realtime_tokens_total{dp_rank="${rank}",mode="${mode}"} ${count}`;
const page = (...lines: readonly string[]) => ["# HELP sglang:x x", ...lines, ""].join("\n");

test.each([
  {
    when: "two ranks read, find again and write",
    metrics: page(
      live(0, "prefill_compute", 30_000),
      live(0, "prefill_cache", 5_000),
      live(0, "decode", 400),
      live(1, "decode", 40),
    ),
    then: { worked: 30_440, decoded: 440 },
  },
  {
    when: "nothing was written yet: its series appears with its first token",
    metrics: page(live(0, "prefill_compute", 30_000)),
    then: { worked: 30_000, decoded: 0 },
  },
  {
    when: "a release without the live counter does not tell them apart",
    metrics: page('sglang:generation_tokens_total{model_name="m"} 12.0'),
    then: { worked: 12, decoded: null },
  },
  { when: "no counter at all", metrics: page(), then: { worked: null, decoded: null } },
])("tokens of an engine: $when", ({ metrics, then }) => {
  const tokens = parseTokens(metrics);
  expect({ worked: tokens?.total ?? null, decoded: tokens?.decoded ?? null }).toEqual(then);
});
