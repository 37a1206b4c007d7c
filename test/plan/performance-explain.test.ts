import { describe, expect, test } from "vitest";
import { costFor } from "../../src/plan/cost/cost.ts";
import { PRICES } from "../../src/plan/cost/prices.ts";
import { MODEL_OUTPUTS, sourcesOf } from "../../src/plan/outputs/all.ts";
import { layoutCurves } from "../../src/plan/performance/curves.ts";
import { estimate } from "../../src/plan/performance/estimate.ts";
import type { SizeAsk } from "../../src/plan/size/ask.ts";
import { sizeFor } from "../../src/plan/size/size.ts";
import { explainPerformance, PERFORMANCE_TOPICS } from "../../src/report/explain-performance.ts";
import { sizeData } from "../../src/report/size-data.ts";
import { tandem } from "../support/cli.ts";
import { planned } from "./good-spec.ts";

const ASK: SizeAsk = {
  users: 40,
  inputTokens: 2000,
  outputTokens: 500,
  prefixHitRate: 0,
  ttftSeconds: 5,
  tokensPerSecond: 10,
  survive: "server",
  model: "deepseek-r1-0528",
  gpus: ["H100-80", "H200-141"],
  fabric: { kind: "infiniband", gbPerSecond: 50 },
  speculative: false,
  maxServers: 8,
};

/** What a caller said or what names a thing: nothing is reckoned in them. */
const GIVEN = ["ask", "gpu", "model", "standby", "layout", "name", "date", "source", "note", "shapesThatDoNotWork"];
/** Boxes about figures, not figures. */
const BOXES = ["sets", "nearest", "smallerModels", "local", "bought", "outages"];
/** The tokens that a price list or a standby is about, and the ends of a range. */
const NAMES = [...Object.keys(PRICES.tokens), "none", "degraded", "spare", "hot", "low", "high"];

/** Every name of a field that holds something reckoned, however deep. */
function figuresIn(value: unknown): string[] {
  if (Array.isArray(value)) return [...new Set(value.flatMap(figuresIn))];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, inside]) => {
    if (GIVEN.includes(name)) return [];
    return [...(BOXES.includes(name) || NAMES.includes(name) ? [] : [name]), ...figuresIn(inside)];
  });
}

function everyFigure(): string[] {
  const [option] = sizeFor(ASK).sets.map(({ fit }) => fit.option);
  if (option === undefined) throw new Error("nothing meets the ask");
  const cost = costFor({ ...ASK, gpu: "H100-80", serversPerGroup: 2, standby: "hot", utilisation: 0.2 }, PRICES);
  const found = [
    sizeData(sizeFor(ASK)),
    cost,
    estimate(option.shape, { ...ASK, concurrency: 4 }),
    planned().memory,
    layoutCurves(planned()).map(({ points }) => points),
  ];
  return [...new Set(found.flatMap(figuresIn))].sort();
}

describe("every output can be asked for", () => {
  const figures = everyFigure();

  test("there are outputs, of every command", () => {
    const some = ["ttftSeconds", "kvTokens", "breakEven", "outageHourPays", "prefillShare", "tokensPerSecondEach"];
    expect(figures).toEqual(expect.arrayContaining(some));
    expect(figures.length).toBeGreaterThan(35);
  });

  test.each(figures)("%s has a formula, inputs, and sources with dates", (field) => {
    const said = explainPerformance(field)?.data as { formula: string; inputs: string; sources: { date: string }[] };
    expect(said, `no topic of src/plan/outputs names ${field}`).toBeDefined();
    expect(said.formula.length).toBeGreaterThan(10);
    expect(said.inputs.length).toBeGreaterThan(5);
    expect(said.sources.length).toBeGreaterThan(0);
    for (const { date } of said.sources) expect(date).toMatch(/^20\d\d/);
  });

  test("no topic explains a field that is gone", () => {
    const named = Object.values(MODEL_OUTPUTS).flatMap((output) => output.figures);
    expect(named.filter((name) => !figures.includes(name))).toEqual([]);
    expect(new Set(named).size).toBe(named.length);
  });

  test("the addresses of published runs stand in it", () => {
    for (const { url } of sourcesOf("published runs")) expect(url).toMatch(/^https:/);
  });
});

describe("every figure and constant reads well", () => {
  test.each(PERFORMANCE_TOPICS)("%s: what it is, from what, with sources and dates", (topic) => {
    const said = explainPerformance(topic);
    // Where a line breaks does not matter; an address is one word and may be longer than a line.
    const words = said?.text.replace(/\s+/g, " ") ?? "";
    expect(words).toContain(topic);
    expect(words).toMatch(/\(20\d\d/);
    const long = (said?.text ?? "").split("\n").filter((line) => [...line].length > 80);
    expect(long.filter((line) => !/^\s*https:\S+$/.test(line))).toEqual([]);
  });

  test("the command finds a figure, and hints at it", async () => {
    const found = await tandem(["explain", "tpot", "--output", "json"]);
    expect(JSON.parse(found.stdout)).toMatchObject({ kind: "figure", figure: "tpot", halfWidth: 0.35 });
    const byField = await tandem(["explain", "usdPerMillionOutput"]);
    expect(byField.stdout).toContain("FIGURE cost-per-million");
    const meant = await tandem(["explain", "memoryEficiency"]);
    expect(meant.exitCode).toBe(1);
    expect(meant.stderr).toContain("did you mean memoryEfficiency?");
  });
});
