import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { ensureHostPrograms, missingPrograms } from "../../src/machines/local/host-programs.ts";

/** Debian's Chromium without a window: 100 MB, 11 seconds to install. */
const PACKAGE = "chromium-headless-shell";
/** In the order of preference; a developer's own browser will do. */
const PROGRAMS = [PACKAGE, "chromium", "chromium-browser", "google-chrome"];

/** Why no page can be opened on this computer, or null. A test that needs a browser is skipped with this sentence. */
export async function browserObstacle(): Promise<string | null> {
  if ((await missingPrograms(PROGRAMS)).length < PROGRAMS.length) return null;
  if ((await missingPrograms(["apt-get"])).length > 0) return "there is no Chromium, and no apt-get to install it";
  return process.getuid?.() === 0 ? null : "there is no Chromium, and installing it needs root";
}

/** Installs Chromium where there is none; the gate does so before the tests, because two of them may ask at once. */
export async function ensureBrowser(onProgress?: (text: string) => void): Promise<string> {
  if ((await missingPrograms(PROGRAMS)).length === PROGRAMS.length) {
    await ensureHostPrograms({ programs: { [PACKAGE]: PACKAGE }, ...(onProgress ? { onProgress } : {}) });
  }
  const missing = await missingPrograms(PROGRAMS);
  const program = PROGRAMS.find((one) => !missing.includes(one));
  if (program === undefined) throw new Error(`${PACKAGE} was installed and is not on PATH`);
  return program;
}

/** A real Chromium. The sandbox needs a user who is not root; the pages are our own. Close it when done. */
export async function openBrowser(): Promise<Browser> {
  const program = await ensureBrowser();
  const places = (process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, program));
  return chromium.launch({ executablePath: places.find(existsSync) ?? program, args: ["--no-sandbox"] });
}

/** What axe-core (WCAG 2.1, levels A and AA, and its best practices) finds wrong with a page: one line for each element. */
export async function accessibilityProblems(page: Page): Promise<string[]> {
  const source = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  await page.evaluate(source);
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: { run: () => Promise<{ violations: Violation[] }> } };
    interface Violation {
      id: string;
      help: string;
      nodes: { html: string; failureSummary: string }[];
    }
    const { violations } = await axe.run();
    return violations.flatMap(({ id, help, nodes }) => nodes.map(({ html }) => `${id}: ${help}: ${html}`));
  });
}

/** Whatever a page asks of the network; a page that needs nothing leaves it empty. */
export function requestsOf(page: Page): string[] {
  const asked: string[] = [];
  page.on("request", (request) => asked.push(request.url()));
  return asked;
}
