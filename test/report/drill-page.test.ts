import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DrillReport } from "../../src/report/drill.ts";
import { dueDrills } from "../../src/report/drill-due.ts";
import { drillJunit } from "../../src/report/drill-junit.ts";
import { drillSummary, drillTable } from "../../src/report/drill-text.ts";
import { failoverReport } from "../../src/report/failover-record.ts";
import { drillPage } from "../../src/report/html/drill-page.ts";
import { accessibilityProblems, browserObstacle, openBrowser, requestsOf } from "../support/browser.ts";

const obstacle = await browserObstacle();
const ODD = `<b onclick="x">&`;

function report(more: Partial<DrillReport> = {}): DrillReport {
  return {
    format: 1,
    id: "2026-11-01T10-00-00Z-server-power",
    scenario: "server-power",
    arena: "rehearsal",
    stack: "local",
    model: "deepseek-v3",
    layout: "TP16",
    startedAt: "2026-11-01T10:00:00.000Z",
    seconds: 8,
    victim: "gpu-b",
    from: "a",
    to: "b",
    what: "its cable went silent",
    reason: "group a: gpu-b is silent for 703 ms",
    phases: [
      { phase: "detected", seconds: 0.6, budgetSeconds: 1.5 },
      { phase: "decided", seconds: 0.61, budgetSeconds: 1.5 },
      { phase: "next token", seconds: 0.9, budgetSeconds: 1.5 },
      { phase: "redundant again", seconds: 2, budgetSeconds: 60 },
    ],
    streams: {
      streams: 2,
      perfect: 2,
      endedClearly: 0,
      carriedOn: 2,
      tokens: 200,
      lost: 0,
      doubled: 0,
      foreign: 0,
      mixed: 0,
      misplaced: 0,
      longestPauseSeconds: 0.91,
      failures: [],
    },
    gaps: [
      { stream: "stream-0", tokens: 100, longestPauseSeconds: 0.91, carriedOn: true },
      { stream: "stream-1", tokens: 100, longestPauseSeconds: 0.8, carriedOn: true },
    ],
    flow: { sliceMs: 100, faultSlice: 10, tokens: [...Array(10).fill(20), ...Array(6).fill(0), ...Array(30).fill(18)] },
    timeline: [{ seconds: 0, text: "gpu-b: a server loses power", detail: "its cable went silent" }],
    versions: { node: "v24", engine: "emulated" },
    passed: true,
    failures: [],
    ...more,
  };
}

const late = report({
  startedAt: "2026-11-08T10:00:00.000Z",
  phases: [
    { phase: "detected", seconds: 5, budgetSeconds: 1.5 },
    { phase: "next token", seconds: null, budgetSeconds: 1.5 },
  ],
  passed: false,
  failures: ["detected: 5.00 s, more than 1.50 s", "next token: did not happen"],
});

const real = failoverReport({
  id: "2026-11-08t10-00-00z-failover-e7",
  stack: "local",
  model: "deepseek-v3",
  from: "a",
  to: "b",
  movedAt: "2026-11-08T10:00:01.000Z",
  why: "every gateway that is heard uses b",
  victim: "gpu-b",
  suspectMs: Date.parse("2026-11-08T10:00:00.000Z"),
  gateway: { at: "2026-11-08T10:00:00.200Z", reason: `${ODD} gpu-b is silent`, gapMs: 910, carried: 17 },
  isolatedMs: Date.parse("2026-11-08T10:00:04.000Z"),
  fencedMs: Date.parse("2026-11-08T10:00:09.000Z"),
  redundantMs: Date.parse("2026-11-08T10:00:40.000Z"),
  versions: { node: "v24" },
});

describe("a real failover", () => {
  test("reads as a drill does, and claims nothing that nobody has counted", () => {
    expect(real).toMatchObject({
      scenario: "failover",
      passed: true,
      failures: [],
      streams: { perfect: 0, carriedOn: 17 },
    });
    expect(real.timeline.map(({ seconds }) => seconds)).toEqual([0, 0.2, 1, 4, 9, 40]);
    const text = drillSummary(real);
    expect(text).toMatch(/redundant again +40\.00/);
    expect(text).toContain("17 streams were carried on · longest pause 0.91 s, by the gateway's own count   RECOVERED");
    expect(text).not.toContain("lost");
    expect(drillTable([real])).toContain("failover");
  });

  test("one that nobody repaired is no success", () => {
    const report = failoverReport({
      id: "x",
      stack: "s",
      model: "m",
      from: "a",
      to: "b",
      movedAt: late.startedAt,
      why: "w",
      victim: null,
      suspectMs: null,
      gateway: null,
      versions: {},
    });
    expect(report).toMatchObject({ passed: false, reason: "w" });
    expect(drillSummary(report)).toContain("NOT RECOVERED");
  });
});

describe("a drill in a terminal and for a CI", () => {
  test("names each phase with its budget, and what was too late", () => {
    expect(drillSummary(report())).toContain("PASSED");
    const text = drillSummary(late);
    expect(text).toMatch(/detected +5\.00 +1\.50 +too late/);
    expect(text).toMatch(/next token +never +1\.50 +too late/);
    expect(text).toContain("FAILED\n  detected: 5.00 s, more than 1.50 s");
  });

  test("past drills are one line each", () => {
    const [head, first, second] = drillTable([report(), late]).split("\n");
    expect(head).toContain("SCENARIO");
    expect(first).toMatch(/2026-11-01 10:00:00 +server-power +rehearsal +gpu-b +0\.90 +2\/2 +passed/);
    expect(second).toContain("FAILED");
  });

  test("JUnit has a case for each, and what failed stays text", () => {
    const xml = drillJunit([report(), { ...late, failures: [ODD] }]);
    expect(xml).toContain('tests="2" failures="1"');
    expect(xml).toContain('<failure message="&#60;b onclick=&#34;x&#34;&#62;&#38;">');
    expect(xml).not.toContain("<b onclick");
  });

  test("a drill is due when it never passed, or too long ago", () => {
    const at = (day: number) => Date.parse(`2026-11-${String(day).padStart(2, "0")}T10:00:00Z`);
    const due = (nowMs: number) =>
      dueDrills([{ name: "server-power" }, { name: "gpu-xid" }], [report(), late], nowMs, 7);
    expect(due(at(7)).map(({ isDue }) => isDue)).toEqual([false, true]);
    // The failed one of the eighth does not count.
    expect(due(at(9))[0]).toEqual({ scenario: "server-power", lastPassed: "2026-11-01T10:00:00.000Z", isDue: true });
  });
});

describe("the page of a drill", () => {
  test("says what its pictures say, and a name stays text", () => {
    const page = drillPage({ ...late, victim: ODD, what: ODD }, [report()]);
    expect(page).not.toContain("<b onclick");
    for (const wanted of [
      "next token: never, budget 1.5 s: too late",
      "Why it failed (2)",
      "server-power",
      "Past drills",
    ])
      expect(page).toContain(wanted);
    expect(drillPage(report(), [])).toContain("This is the first one to compare with.");
  });

  describe.skipIf(obstacle !== null)("in Chromium", () => {
    let browser: Browser;
    let folder: string;
    beforeAll(async () => {
      browser = await openBrowser();
      folder = await mkdtemp(join(tmpdir(), "drill-page-"));
    }, 300_000);
    afterAll(async () => {
      await browser?.close();
      await rm(folder, { recursive: true, force: true });
    });

    test.each([
      ["a phone, light", 360, "light"],
      ["a desk, dark", 1280, "dark"],
    ] as const)(
      "%s: nothing wrong for axe, nothing fetched, nothing wider than the screen",
      async (_name, width, scheme) => {
        const context = await browser.newContext({ viewport: { width, height: 800 }, colorScheme: scheme });
        const page = await context.newPage();
        const asked = requestsOf(page);
        const file = join(folder, `${width}.html`);
        await writeFile(file, drillPage(late, [report(), report({ startedAt: "2026-11-02T10:00:00.000Z" })]));
        await page.goto(pathToFileURL(file).href);
        if (process.env.TANDEM_SHOT)
          await page.screenshot({ path: `${process.env.TANDEM_SHOT}-${width}.png`, fullPage: true });
        expect(await page.evaluate("document.documentElement.scrollWidth - innerWidth")).toBeLessThanOrEqual(0);
        expect(asked.filter((url) => !url.startsWith("file:"))).toEqual([]);
        await context.close();
        const unbound = await (await browser.newContext({ bypassCSP: true, colorScheme: scheme })).newPage();
        await unbound.goto(pathToFileURL(file).href);
        expect(await accessibilityProblems(unbound)).toEqual([]);
        await unbound.context().close();
      },
    );
  });
});
