import { expect, test } from "vitest";
import type { Evidence } from "../../src/health/evidence.ts";
import { EvidenceBook } from "../../src/reconciler/evidence-book.ts";
import type { SubscribeOptions } from "../../src/stream/subscription.ts";

type Word = Extract<Evidence, { kind: "engine" }>;
const word = (change: Partial<Word> = {}): Word => ({
  ...{ kind: "engine", group: "a", instance: "1", state: "serving", tokensTotal: 10, running: 1, queued: 0 },
  ...change,
});

const rows: [string, Word, Word, "routine" | "news"][] = [
  ["an engine that serves on", word(), word({ tokensTotal: 12, running: 3, queued: 1 }), "routine"],
  ["one whose tokens stand still", word(), word(), "routine"],
  ["one that falls ill", word(), word({ state: "unhealthy" }), "news"],
  ["one that is not reached any more", word({ state: "unreachable" }), word({ state: "unreachable" }), "news"],
  ["one that recovers", word({ state: "unhealthy" }), word(), "news"],
  ["one that was started anew", word(), word({ instance: "2", tokensTotal: 0 }), "news"],
];

test.each(rows)("%s", (_what, before, now, verdict) => {
  const told: string[] = [];
  let agent: SubscribeOptions | undefined;
  const subscribe = (options: SubscribeOptions) => {
    agent = options;
    return { close: () => {} };
  };
  const onNews = (server: string, isRoutine: boolean) => told.push(`${server} ${isRoutine ? "routine" : "news"}`);
  const book = new EvidenceBook(subscribe, () => "token", { onNews });
  book.follow({ "gpu-a": "http://127.0.0.1:1" });
  for (const [at, evidence] of [before, now].entries())
    agent?.onFrame({ type: "evidence", seq: at + 1, monoMs: at, wallMs: at, evidence }, 1_000 + at);
  agent?.onFrame({ type: "beat", seq: 2, monoMs: 2, wallMs: 2 }, 1_002);
  // What is heard for the first time is news, a beat alone is none.
  expect(told).toEqual(["gpu-a news", `gpu-a ${verdict}`]);
  const grew = now.instance === before.instance && now.tokensTotal > before.tokensTotal;
  expect(book.progressMs.get("a")).toBe(grew ? 1_001 : undefined);
});

test.each([
  ["a reading of the GPUs", { kind: "gpus", expected: 8, found: 8, gpus: [] }, "routine"],
  ["a reading of a disk", { kind: "disk", path: "/", freeBytes: 1, totalBytes: 2 }, "routine"],
  [
    "a port that is down",
    { kind: "link", device: "mlx5_0", port: 1, state: "down", downCount: 1, rateGbps: 400 },
    "news",
  ],
  ["a rank that ended", { kind: "rank", group: "a", rank: 0, pid: 7, state: "exited" }, "news"],
] as const)("%s", (_what, evidence, verdict) => {
  const told: boolean[] = [];
  let agent: SubscribeOptions | undefined;
  const subscribe = (options: SubscribeOptions) => {
    agent = options;
    return { close: () => {} };
  };
  const book = new EvidenceBook(subscribe, () => "token", { onNews: (_server, isRoutine) => told.push(isRoutine) });
  book.follow({ "gpu-a": "http://127.0.0.1:1" });
  agent?.onFrame({ type: "evidence", seq: 1, monoMs: 1, wallMs: 1, evidence: evidence as Evidence }, 1_000);
  expect(told).toEqual([verdict === "routine"]);
});
