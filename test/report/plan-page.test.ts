import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writePlanPage } from "../../src/cli/plan-page.ts";
import type { ServingPlan } from "../../src/plan/serving-plan.ts";
import { planned, servers } from "../plan/good-spec.ts";
import { accessibilityProblems, browserObstacle, openBrowser, requestsOf } from "../support/browser.ts";
import { stackPlan } from "../support/stacks.ts";

const obstacle = await browserObstacle();
if (obstacle !== null) console.warn(`pages are not opened: ${obstacle}`);
const PHONE = { width: 360, height: 740 };
const DESK = { width: 1280, height: 900 };
const ODD = `<b onclick="x">&amp;'`;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tandem-page-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function written(plan: ServingPlan, name = plan.name): Promise<string> {
  const file = join(folder, `${name}.html`);
  await writePlanPage({ plan, warnings: plan.warnings, file, prices: undefined, overwrite: true });
  return file;
}

const PLANS: [string, () => ServingPlan][] = [
  ["example", () => stackPlan("example")],
  ["spare", () => stackPlan("spare")],
  ["no price", () => planned({ ...servers(1), "servers.gpu-a.gpu": "H20-141" })],
  ["a distilled model on one GPU", () => planned({ ...servers(1), "servers.gpu-a.gpus": 1, ...DISTILLED })],
];
const DISTILLED = { "model.preset": "deepseek-r1-distill-llama-8b" };

describe("the text of a page", () => {
  test("is the same for the same plan, and a name in a spec stays text", async () => {
    const plan = planned({ "model.servedName": ODD.replace(":", "") });
    const [one, two] = [
      await readFile(await written(plan, "a"), "utf8"),
      await readFile(await written(plan, "b"), "utf8"),
    ];
    expect(one).toBe(two);
    expect(one).not.toContain("<b onclick");
    expect(one).toContain("&#60;b onclick=&#34;x&#34;&#62;&#38;amp;&#39;");
  });

  test("says what each picture says: ranks, memory, speed, cost", async () => {
    const text = await readFile(await written(planned(), "good"), "utf8");
    for (const wanted of [
      "Group a, active",
      "Group b, standby",
      "402,029",
      "chosen: what users get",
      "at 24 %",
      "owned",
    ])
      expect(text).toContain(wanted);
    const bare = await readFile(
      await written(planned({ ...servers(1), "servers.gpu-a.gpu": "H20-141" }), "bare"),
      "utf8",
    );
    expect(bare).toContain("No price is known for servers of 8 × H20-141; give one with --prices FILE");
  });

  test("a page that is there is not overwritten unasked, prices that are wrong write nothing", async () => {
    const plan = planned();
    const file = await written(plan, "there");
    const again = { plan, warnings: [], file, prices: undefined, overwrite: false };
    await expect(writePlanPage(again)).rejects.toMatchObject({ code: "E_FILE_EXISTS" });
    const prices = join(folder, "prices.yaml");
    await writeFile(prices, "rents: {ours: {gpu: H100-80}}");
    const fresh = { ...again, file: join(folder, "fresh.html"), prices };
    await expect(writePlanPage(fresh)).rejects.toMatchObject({ code: "E_COST_PRICES" });
    await expect(readFile(fresh.file)).rejects.toThrow("ENOENT");
  });
});

describe.skipIf(obstacle !== null)("in Chromium", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await openBrowser();
  }, 300_000);
  afterAll(() => browser?.close());

  async function open(file: string, viewport: typeof PHONE, colorScheme: "light" | "dark"): Promise<Page> {
    const context = await browser.newContext({ viewport, colorScheme });
    const page = await context.newPage();
    await page.goto(pathToFileURL(file).href);
    return page;
  }

  describe.each(PLANS)("%s", (name, plan) => {
    test.each([
      ["a desk, light", DESK, "light"],
      ["a phone, dark", PHONE, "dark"],
    ] as const)(
      "on %s: nothing wrong for axe, nothing wider than the page, nothing asked of the network",
      async (_where, viewport, scheme) => {
        const context = await browser.newContext({ viewport, colorScheme: scheme });
        const page = await context.newPage();
        const asked = requestsOf(page);
        const complaints: string[] = [];
        page.on("console", (message) => complaints.push(message.text()));
        const url = pathToFileURL(await written(plan(), name)).href;
        await page.goto(url);
        expect(asked).toEqual([url]);
        expect(complaints).toEqual([]);
        expect(await page.evaluate<number>("document.documentElement.scrollWidth - innerWidth")).toBeLessThanOrEqual(0);
        expect(await accessibilityProblems(page)).toEqual([]);
        await context.close();
      },
    );
  });

  test("a phone shows the letters of charts at 9 pixels or more, and the two schemes differ", async () => {
    const file = await written(planned(), "letters");
    const backs: string[] = [];
    for (const scheme of ["light", "dark"] as const) {
      const page = await open(file, PHONE, scheme);
      const heights = await page.$$eval("svg[role=img] text", (all) =>
        all.map((one) => one.getBoundingClientRect().height),
      );
      expect(heights.length).toBeGreaterThan(20);
      expect(Math.min(...heights)).toBeGreaterThanOrEqual(9);
      backs.push(await page.evaluate<string>("getComputedStyle(document.body).backgroundColor"));
      await page.context().close();
    }
    expect(new Set(backs).size).toBe(2);
  });

  test("every picture has a name, a description and its figures in a table with a caption", async () => {
    const page = await open(await written(planned(), "names"), DESK, "light");
    const pictures = await page.$$eval("svg[role=img]", (all) =>
      all.map((one) => [one.querySelector("title")?.textContent, one.querySelector("desc")?.textContent]),
    );
    expect(pictures.length).toBe(3);
    for (const [title, text] of pictures)
      expect([title?.length ?? 0, text?.length ?? 0].every((length) => length > 20)).toBe(true);
    expect(
      await page.$$eval("section:has(svg[role=img])", (all) => all.every((one) => one.querySelector("table caption"))),
    ).toBe(true);
    expect(await page.$$eval("h1, h2, h3", (all) => all.map((one) => one.tagName).join(" "))).toMatch(
      /^H1( H2( H3)*)+$/,
    );
    await page.context().close();
  });

  test("on paper it is black on white, and what was folded stands open", async () => {
    const page = await open(await written(planned(), "paper"), DESK, "dark");
    const rejected = page.locator("#rejected ~ details table");
    expect(await rejected.isVisible()).toBe(false);
    await page.emulateMedia({ media: "print" });
    expect(await rejected.isVisible()).toBe(true);
    expect(await page.evaluate<string>("getComputedStyle(document.body).backgroundColor")).toBe("rgb(255, 255, 255)");
    const pdf = await page.pdf({ format: "A4" });
    expect(pdf.subarray(0, 5).toString()).toBe("%PDF-");
    await page.context().close();
  });

  test("the checks can fail: a picture from elsewhere, pale letters, a table wider than a phone", async () => {
    const page = await browser.newPage({ viewport: PHONE });
    const asked = requestsOf(page);
    const bad =
      '<html><body><img src="http://127.0.0.1:9/x.png"><p style="color:#bbb">pale</p><div style="width:900px">wide</div>';
    const file = join(folder, "bad.html");
    await writeFile(file, bad);
    await page.goto(pathToFileURL(file).href);
    expect(asked).toHaveLength(2);
    expect(await page.evaluate<boolean>("document.documentElement.scrollWidth > innerWidth")).toBe(true);
    const problems = (await accessibilityProblems(page)).join("\n");
    for (const rule of ["color-contrast", "image-alt", "html-has-lang"]) expect(problems).toContain(rule);
    await page.close();
  });
});
