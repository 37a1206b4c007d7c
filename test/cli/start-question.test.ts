import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { describeIntrusion, intrusionOf } from "../../src/cli/start/ask.ts";
import { temporaryFolders } from "../support/temporary-folder.ts";

const temporary = temporaryFolders();

test("the question before a first start names the time that the README does", async () => {
  const before = process.env.TANDEM_HOME;
  // No tool is there yet, unless the computer has one on PATH.
  process.env.TANDEM_HOME = temporary();
  try {
    const intrusion = await intrusionOf(5);
    expect(intrusion.tools).toContain("kubernetes");
    const [least, most] = intrusion.minutes;
    const readme = readFileSync(join(import.meta.dirname, "../../README.md"), "utf8");
    expect(readme).toContain(`${least} to ${most} minutes on two cores`);
    expect(describeIntrusion(intrusion)).toContain(`  - takes ${least} to ${most} minutes on two cores\n`);
  } finally {
    if (before === undefined) delete process.env.TANDEM_HOME;
    else process.env.TANDEM_HOME = before;
  }
});
