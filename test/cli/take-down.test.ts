import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { purgeCaches } from "../../src/cli/up/destroy-stack.ts";
import type { Phase } from "../../src/cli/up/phases.ts";
import { takeDown } from "../../src/cli/up/take-down.ts";
import { withStackLock } from "../../src/infra/stack/stack-lock.ts";
import { imagesDir, stackDir, toolsDir } from "../../src/machines/home.ts";
import { stackPlan } from "../support/stacks.ts";
import { temporaryFolders } from "../support/temporary-folder.ts";

const temporary = temporaryFolders();
const before = process.env.TANDEM_HOME;
let folder: string;
beforeEach(() => {
  process.env.TANDEM_HOME = temporary();
  folder = stackDir("local");
  mkdirSync(join(folder, "state"), { recursive: true });
  writeFileSync(join(folder, "passphrase"), "old");
  // What a command that was killed while it waited has left.
  writeFileSync(join(folder, "command.lock.1-2-3"), "{}");
});
afterEach(() => {
  if (before === undefined) delete process.env.TANDEM_HOME;
  else process.env.TANDEM_HOME = before;
});

const plan = stackPlan("local");
/** In place of machines and networks. */
const phaseThat =
  (work: () => Promise<unknown>): Phase =>
  async () =>
    (await work()) as never;

test.skipIf(process.platform !== "linux")("nothing of a stack is left on this computer", async () => {
  await takeDown(
    plan,
    "/spec.yaml",
    phaseThat(async () => {}),
  );
  expect(existsSync(folder)).toBe(false);
  await takeDown(
    plan,
    "/spec.yaml",
    phaseThat(() => Promise.reject(new Error("there is nothing to do"))),
  );
  expect(readdirSync(join(folder, ".."))).toEqual([]);
});

test.skipIf(process.platform !== "linux")("an `up` that waits for a `down` keeps what it makes then", async () => {
  let up: Promise<string> | undefined;
  const down = takeDown(
    plan,
    "/spec.yaml",
    phaseThat(async () => {
      up = withStackLock("local", async () => {
        const found = readdirSync(folder).filter((name) => !name.startsWith("command.lock"));
        writeFileSync(join(folder, "passphrase"), "new");
        await down;
        await delay(200);
        return `${found} ${readFileSync(join(folder, "passphrase"), "utf8")}`;
      });
      await delay(300);
    }),
  );
  await down;
  expect(await up).toBe(" new");
});

test.skipIf(process.platform !== "linux")("a stack that could not be destroyed keeps its passphrase", async () => {
  const failing = phaseThat(() => Promise.reject(new Error("no answer")));
  await expect(takeDown(plan, "/spec.yaml", failing)).rejects.toThrow("no answer");
  expect(readFileSync(join(folder, "passphrase"), "utf8")).toBe("old");
});

test.skipIf(process.platform !== "linux")("a stack's folder is for its owner alone, also one of before", async () => {
  for (const stack of ["local", "other"]) {
    await withStackLock(stack, async () => {});
    expect(statSync(stackDir(stack)).mode & 0o777, stack).toBe(0o700);
  }
});

test.skipIf(process.platform !== "linux")("caches stay while another stack is up, or is being made", async () => {
  const caches = [toolsDir(), imagesDir()];
  for (const cache of caches) mkdirSync(cache, { recursive: true });
  const said: string[] = [];
  const purge = () => purgeCaches("local", (line) => said.push(line));
  mkdirSync(stackDir("prod"));
  writeFileSync(join(stackDir("prod"), "stack.json"), "{}");
  await withStackLock("gate", purge);
  await purge();
  expect(said).toEqual([
    expect.stringMatching(/^kept, because stacks gate, prod of this computer/),
    expect.stringMatching(/^kept, because stack prod of this computer/),
  ]);
  expect(caches.map((cache) => existsSync(cache))).toEqual([true, true]);
});
