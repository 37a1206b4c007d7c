import { describe, expect, test } from "vitest";
import { draw } from "./faults/draw.ts";
import { runSeeds } from "./pool.ts";
import { readScenario, runScenario, scenarioNames } from "./scenario.ts";
import { type Run, simulate } from "./simulate.ts";
import { addRun, coverageOf, emptyTally } from "./tally.ts";

const SEEDS = 60;

describe("simulated worlds", () => {
  test(`${SEEDS} seeds break no rule, each for a minute of virtual time or more`, () => {
    const tally = emptyTally();
    for (let seed = 1; seed <= SEEDS; seed += 1) addRun(tally, simulate(seed, draw(seed)));
    expect(tally.failures).toEqual([]);
    expect(tally.leastVirtualMs).toBeGreaterThanOrEqual(60_000);
    expect(tally.endings.serves).toBeGreaterThan(SEEDS / 2);
    expect(coverageOf(tally).filter(({ count }) => count > 0).length).toBeGreaterThan(50);
  });

  test("the same seed gives the same world, to the last line", () => {
    const one = simulate(7, draw(7), true);
    expect(one.transcript.length).toBeGreaterThan(3);
    expect(simulate(7, draw(7), true)).toEqual(one);
    expect(simulate(8, draw(8), true).transcript).not.toEqual(one.transcript);
  });
});

describe("scenarios", () => {
  const runs = new Map<string, Run>();
  /** Each is run once; a day of virtual time takes seconds. */
  const runOf = (name: string): Run => {
    const run = runs.get(name) ?? runScenario(readScenario(name));
    runs.set(name, run);
    return run;
  };

  test.each(scenarioNames())("%s", (name) => {
    const { breaches, ending } = runOf(name);
    expect(breaches).toEqual([]);
    expect(["serves", "needs a person"]).toContain(ending);
  });

  test("one is tried with the delays of other seeds: its faults, other worlds", async () => {
    const scenario = "hang-right-after-a-token.json";
    const kinds = new Set(readScenario(scenario).faults.map(({ kind }) => kind));
    const tally = await runSeeds({ from: 1, seeds: 4, workers: 2, scenario });
    expect(tally).toMatchObject({ runs: 4, failures: [] });
    const came = coverageOf(tally).filter(({ count }) => count > 0);
    expect(came.length).toBeGreaterThan(0);
    for (const { cell, count } of came) {
      expect([...kinds].some((kind) => cell.startsWith(`${kind} `))).toBe(true);
      expect(count).toBeLessThanOrEqual(4);
    }
  });

  test("after a day without API server only what is so now is acted on", () => {
    const { transcript } = runOf("a-day-without-api-server.json");
    const did = transcript.filter((line) => / did: /.test(line)).map((line) => line.replace(/^.* did: /, ""));
    // The word follows the gateways, and the group whose server lost its power starts again on the same servers.
    expect(did.filter((what) => /set-active/.test(what))).toEqual(["set-active b 2 adopt"]);
    expect(did.filter((what) => /quarantine|treat|member|power/.test(what))).toEqual([]);
    expect(did.at(-1)).toBe("start-group a v1");
  });

  test("a flapping GPU, 20 s on and 20 s off for an hour, costs one failover, and nothing goes back", () => {
    const { transcript } = runOf("flapping-gpu.json");
    const moves = transcript.filter((line) => /reconciler-\d did: set-active/.test(line));
    expect(moves).toHaveLength(1);
    expect(moves[0]).toContain("set-active b");
    expect(transcript.filter((line) => /gateway-\d uses a/.test(line))).toEqual([]);
  });
});
