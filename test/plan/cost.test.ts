import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CostAnswer, type CostAsk, costFor } from "../../src/plan/cost/cost.ts";
import { serverPrices } from "../../src/plan/cost/hourly.ts";
import { PRICES, withOverrides } from "../../src/plan/cost/prices.ts";
import { costText } from "../../src/report/cost.ts";
import { tandem } from "../support/cli.ts";

const ASK: CostAsk = {
  gpu: "H100-80",
  serversPerGroup: undefined,
  standby: "hot",
  utilisation: 0.2,
  inputTokens: 2000,
  outputTokens: 500,
  prefixHitRate: 0,
  ttftSeconds: 5,
  tokensPerSecond: 15,
  model: "deepseek-r1-0528",
  fabric: { kind: "infiniband", gbPerSecond: 50 },
  speculative: false,
};

function cost(changes: Partial<CostAsk> = {}, prices = PRICES): CostAnswer {
  const answer = costFor({ ...ASK, ...changes }, prices);
  if (answer === undefined) throw new Error("nothing runs");
  return answer;
}

const SLACK = 1 + 1e-9;
const anyUse = fc.record({
  utilisation: fc.double({ min: 0.01, max: 1, noNaN: true }),
  inputTokens: fc.integer({ min: 1, max: 20_000 }),
  outputTokens: fc.integer({ min: 10, max: 4000 }),
  prefixHitRate: fc.double({ min: 0, max: 1, noNaN: true }),
  standby: fc.constantFrom("none" as const, "degraded" as const, "spare" as const, "hot" as const),
});
const runs = { numRuns: 40 };

describe("sums that a person can check", () => {
  test("an owned H100 server: 300,000 over 26,280 h, 10.2 kW × 1.3 × 0.10, and 2 for the rest, is 14.74 an hour", () => {
    const owned = serverPrices(PRICES, "H100-80")[0];
    expect(owned?.name).toBe("owned");
    expect(owned?.usdPerServerHour.low).toBeCloseTo(300_000 / 26_280 + 1.326 + 2, 6);
    expect(owned?.usdPerServerHour.high).toBeCloseTo(350_000 / 26_280 + 1.326 + 10, 6);
  });

  test("V3.2 at 4 in : 1 out without the cache is 4 × 0.28 + 0.42, and with half of it cached 1.04", () => {
    const price = (prefixHitRate: number) =>
      cost({ prefixHitRate }).bought.find(({ name }) => name === "deepseek v3.2")?.usdPerMillionOutput;
    expect(price(0)).toBeCloseTo(1.54, 6);
    expect(price(0.5)).toBeCloseTo(1.036, 6);
  });

  test("a group of 16 GPUs breaks 2.77 times a year, and a hot standby is one group more", () => {
    const answer = cost();
    expect(answer).toMatchObject({ serversPerGroup: 2, servers: 4 });
    expect(answer.outages[0]?.faultsPerYear).toBeCloseTo((16 * 365) / 2111, 6);
    const owned = answer.local[0];
    const cheapest = Math.min(...answer.local.map(({ usdPerServerHour }) => usdPerServerHour.low));
    expect(answer.standbyUsdPerMonth.hot?.low).toBeCloseTo(cheapest * 2 * 730, 3);
    expect(owned?.usdPerMonth.low).toBeCloseTo((owned?.usdPerServerHour.low ?? 0) * 4 * 730, 3);
  });

  test("at the break-even load own and bought tokens cost the same", () => {
    const answer = cost({ tokensPerSecond: undefined, ttftSeconds: undefined });
    for (const local of answer.local) {
      for (const { name, usdPerMillionOutput } of answer.bought) {
        const utilisation = local.breakEven[name]?.low ?? Number.NaN;
        const same = (local.usdPerMillionOutput.low * answer.ask.utilisation) / utilisation;
        expect(same).toBeCloseTo(usdPerMillionOutput, 6);
      }
    }
  });
});

describe("it says what is cheaper", () => {
  test("with today's book: buying, and that no share of the traffic makes the servers pay", () => {
    const text = costText(cost());
    expect(text).toMatch(/Buying\s+tokens\s+is\s+cheaper/);
    expect(text).toMatch(/not\s+to\s+save\s+money/);
    expect(text).toMatch(/no\s+share\s+of\s+the\s+traffic\s+makes\s+them\s+pay/);
    expect(text).not.toMatch(/servers are cheaper at this load/);
  });

  test("with dear tokens: the servers, and how much of the traffic must stay in-house", () => {
    const tokens = Object.fromEntries(
      Object.entries(PRICES.tokens).map(([name, price]) => [name, { ...price, outputUsd: 200 }]),
    );
    const text = costText(cost({}, withOverrides(PRICES, { tokens })));
    expect(text).toMatch(/Your\s+own\s+servers\s+are\s+cheaper\s+at\s+this\s+load/);
    expect(text).toMatch(/must\s+stay\s+in-house/);
  });

  test("of a GPU that is only rented: no owned price is made up, a range of the source stays one", () => {
    const answer = cost({ gpu: "H200-141" });
    expect(answer.local.map(({ name }) => name)).not.toContain("owned");
    expect(answer.local[0]?.usdPerServerHour).toEqual({ low: 28, high: 36 });
    expect(costText(answer)).toContain("no dated price to buy a server of H200-141 is known");
  });

  test.each(["H20-96", "H20-141", "H100-NVL-94"] as const)(
    "of %s, which nobody quotes: that it cannot be said",
    (gpu) => {
      const answer = cost({ gpu, tokensPerSecond: 5 });
      expect(answer).toMatchObject({ local: [], standbyUsdPerMonth: {}, outageHourPays: {} });
      const text = costText(answer);
      expect(text).toMatch(/cannot be said: no price of a server/);
      expect(text).toMatch(/hot: .*; price unknown/);
      expect(text).not.toMatch(/BREAK-EVEN|\$0\.00/);
    },
  );

  test("a group of one server has no survivor: degraded is no way out", () => {
    expect(cost({ gpu: "H200-141" }).outages.map(({ standby }) => standby)).toEqual(["none", "spare", "hot"]);
    expect(cost().outages.map(({ standby }) => standby)).toContain("degraded");
  });
});

describe("what must hold for every ask", () => {
  test("more use and cheaper power never make a token dearer; a standby never makes it cheaper", () => {
    fc.assert(
      fc.property(anyUse, (use) => {
        const base = cost(use).local[0]?.usdPerMillionOutput ?? { low: Number.NaN, high: Number.NaN };
        const than = (changes: Partial<CostAsk>, prices = PRICES) =>
          cost({ ...use, ...changes }, prices).local[0]?.usdPerMillionOutput ?? { low: Number.NaN, high: Number.NaN };
        expect(than({ utilisation: 1 }).low).toBeLessThanOrEqual(base.low * SLACK);
        expect(than({ standby: "none" }).high).toBeLessThanOrEqual(base.high * SLACK);
        const cheaper = withOverrides(PRICES, { operation: { usdPerKilowattHour: 0 } });
        expect(than({}, cheaper).low).toBeLessThanOrEqual(base.low * SLACK);
        expect(base.low).toBeLessThan(base.high);
      }),
      runs,
    );
  });

  test("a better standby is never longer without service, and the text fits 80 columns", () => {
    fc.assert(
      fc.property(anyUse, (use) => {
        const answer = cost(use);
        const highs = answer.outages.map(({ minutesPerYear }) => minutesPerYear.high);
        expect(highs).toEqual(highs.toSorted((a, b) => b - a));
        expect(
          costText(answer)
            .split("\n")
            .filter((line) => [...line].length > 80),
        ).toEqual([]);
      }),
      runs,
    );
  });

  test("every price has a date and a source", () => {
    const { servers, rents, tokens, operation } = PRICES;
    const entries = [servers, rents, tokens].flatMap((part): { date: string; source: string }[] => Object.values(part));
    for (const { date, source } of [...entries, operation]) {
      expect(date).toMatch(/^20\d\d/);
      expect(source).toMatch(/.{7}/);
    }
  });
});

describe("the command", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "tandem-cost-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  const lengths = ["--input-tokens", "2000", "--output-tokens", "500"];

  test("prices of a file replace those of the book", async () => {
    const file = join(folder, "ours.yaml");
    await writeFile(
      file,
      'rents: {ours: {gpu: H100-80, usdPerServerHour: 1, date: "2026-11", source: our contract}}\n',
    );
    const { exitCode, stdout, stderr } = await tandem(["cost", ...lengths, "--prices", file, "--output", "json"]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    const { local } = JSON.parse(stdout) as CostAnswer;
    expect(local.find(({ name }) => name === "rented, ours")?.usdPerMonth).toEqual({ low: 2920, high: 2920 });
  });

  test.each<[string, string, RegExp]>([
    ["a field with a wrong name", "rents: {ours: {gpu: H100-80, usd: 1}}", /usdPerServerHour/],
    ["no YAML", "rents: [", /cannot use the prices/],
  ])("a file with %s is refused with what is wrong", async (_name, text, wanted) => {
    const file = join(folder, "bad.yaml");
    await writeFile(file, text);
    const { exitCode, stderr } = await tandem(["cost", ...lengths, "--prices", file]);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(wanted);
    expect(stderr).toContain("E_COST_PRICES");
  });

  test.each<[string, string[], RegExp]>([
    ["idle servers", ["--utilisation", "0"], /E_COST_IDLE/],
    ["a model that does not fit", ["--servers-per-group", "1"], /E_COST_NO_LAYOUT/],
  ])("%s are refused", async (_name, args, wanted) => {
    const { exitCode, stderr } = await tandem(["cost", ...lengths, ...args]);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(wanted);
  });
});
