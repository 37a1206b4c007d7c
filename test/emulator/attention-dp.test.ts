import { afterAll, beforeAll, expect, test } from "vitest";
import { expectedText } from "../../src/emulator/tokens.ts";
import { events, type ServerProcess, startGroup } from "./server-process.ts";

let servers: ServerProcess[];
beforeAll(async () => {
  servers = await startGroup({ tp: 4, flags: ["--attn-dp-size", "2"], env: { EMULATOR_DECODE_STEP_MS: "5" } });
}, 60_000);
afterAll(() => Promise.all(servers.map((server) => server.stop())));

/** One answer of one attention-DP rank, as it grows. */
function answer(dpRank: number, prompt: string): { text: string; over: Promise<void> } {
  const state = { text: "", over: Promise.resolve() };
  const read = async () => {
    const response = await (servers[0] as ServerProcess).post("/v1/completions", {
      prompt,
      max_tokens: 401,
      stream: true,
      routed_dp_rank: dpRank,
    });
    for await (const data of events(response))
      if (data !== "[DONE]") state.text += (JSON.parse(data) as { choices: { text: string }[] }).choices[0]?.text ?? "";
  };
  state.over = read();
  return state;
}

test("a token of one attention-DP rank proves them all: with one rank stopped none of them writes", async () => {
  const prompts = ["of rank 0 answer=400", "of rank 1 answer=400"];
  const both = prompts.map((prompt, rank) => answer(rank, prompt));
  const lengths = () => both.map(({ text }) => text.length);
  while (lengths().some((length) => length < 50)) await new Promise((resolve) => setTimeout(resolve, 5));
  // The last rank: it serves the second DP rank alone, and lives on the second server.
  const pids = await (servers[1] as ServerProcess).rankPids();
  process.kill(pids.at(-1) ?? 0, "SIGSTOP");
  // What was under way arrives; then nothing does, of either.
  let before = [-1, -1];
  while (before.some((length, at) => length !== lengths()[at])) {
    before = lengths();
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  expect(before.every((length, rank) => length < expectedText(prompts[rank] ?? "", 400).length)).toBe(true);
  process.kill(pids.at(-1) ?? 0, "SIGCONT");
  await Promise.all(both.map(({ over }) => over));
  expect(both.map(({ text }) => text)).toEqual(prompts.map((prompt) => expectedText(prompt, 400)));
});
