import { describe, expect, test } from "vitest";
import { explainPerformance, PERFORMANCE_TOPICS } from "../../src/report/explain-performance.ts";
import { tandem } from "../support/cli.ts";

describe("every figure and constant of the model can be asked for", () => {
  test.each(PERFORMANCE_TOPICS)("%s: what it is, from what, with sources and dates", (topic) => {
    const said = explainPerformance(topic);
    // Where a line breaks does not matter; an address is one word and may be longer than a line.
    const words = said?.text.replace(/\s+/g, " ") ?? "";
    expect(words).toContain(topic);
    expect(words).toMatch(/https:\/\/\S+ /);
    expect(words).toMatch(/\(20\d\d-\d\d/);
    const long = (said?.text ?? "").split("\n").filter((line) => [...line].length > 80);
    expect(long.filter((line) => !/^\s*https:\S+$/.test(line))).toEqual([]);
  });

  test("the command finds a figure, and hints at it", async () => {
    const found = await tandem(["explain", "tpot", "--output", "json"]);
    expect(JSON.parse(found.stdout)).toMatchObject({ kind: "figure", figure: "tpot", halfWidth: 0.35 });
    const meant = await tandem(["explain", "memoryEficiency"]);
    expect(meant.exitCode).toBe(1);
    expect(meant.stderr).toContain("did you mean memoryEfficiency?");
  });
});
