import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { generatedPage, PAGE } from "./performance-docs.ts";

test("the generated parts of the planner's page are not stale", () => {
  const page = readFileSync(PAGE, "utf8");
  expect(page.match(/<!-- generated: /g)).toHaveLength(7);
  expect(page, `stale: run \`tandem-dev test/plan/performance-docs.ts\` and look at ${PAGE}`).toBe(generatedPage(page));
});

test("a changed figure is seen", () => {
  const page = readFileSync(PAGE, "utf8");
  const changed = page.replace(/median error without the source \| at most 20 % \| \d/, (text) => `${text}9`);
  expect(changed).not.toBe(page);
  expect(generatedPage(changed)).toBe(page);
});
