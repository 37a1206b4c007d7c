import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";

const PROGRAM = `
import { onSignals } from "./src/signals.ts";
onSignals((signal) => process.stdout.write(signal + "\\n"));
setInterval(() => {}, 1_000);
process.stdout.write("ready\\n");
`;

test("one Ctrl-C that comes three times counts once, and a second one counts again", async () => {
  const child = spawn(process.execPath, ["--input-type=module-typescript", "--eval", PROGRAM], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines: string[] = [];
  child.stdout.setEncoding("utf8").on("data", (text: string) => lines.push(...text.trim().split("\n")));
  try {
    while (lines.length === 0) await once(child.stdout, "data");
    for (let echo = 0; echo < 3; echo++) {
      child.kill("SIGINT");
      await delay(20);
    }
    await delay(1_100);
    child.kill("SIGINT");
    while (lines.length < 3) await once(child.stdout, "data");
    await delay(100);
    expect(lines).toEqual(["ready", "SIGINT", "SIGINT"]);
  } finally {
    child.kill("SIGKILL");
  }
});
