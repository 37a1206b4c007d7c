import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { keepTool, linkTool, readTool, toolFolder, toolPath } from "../../../src/machines/tools/tool-cache.ts";
import { temporaryFolders } from "../../support/temporary-folder.ts";

const folder = temporaryFolders();
const facts = { key: "k1", origin: "build", from: "go1.26.8" } as const;

async function kept(): Promise<string> {
  const home = folder();
  const part = join(toolFolder("kubernetes", home), "kubernetes.part");
  mkdirSync(toolFolder("kubernetes", home), { recursive: true });
  writeFileSync(part, '#!/bin/sh\necho "$0"\n');
  await keepTool("kubernetes", part, facts, home);
  return home;
}

describe("a program in the cache", () => {
  test("runs, and has a record of what it was made of", async () => {
    const home = await kept();
    expect(execFileSync(toolPath("kubernetes", home), { encoding: "utf8" })).toContain("/kubernetes\n");
    expect(await readTool("kubernetes", ["k0", "k1"], home)).toMatchObject({
      version: "1.36.3",
      bytes: 20,
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      ...facts,
    });
  });

  test.each<[string, (home: string) => void]>([
    [
      "has another key",
      (home) => {
        const path = join(toolFolder("kubernetes", home), "record.json");
        writeFileSync(path, readFileSync(path, "utf8").replace("k1", "k2"));
      },
    ],
    ["is cut off", (home) => truncateSync(toolPath("kubernetes", home), 10)],
    ["is gone", (home) => rmSync(toolPath("kubernetes", home))],
    ["has no record", (home) => rmSync(join(toolFolder("kubernetes", home), "record.json"))],
  ])("does not count when it %s", async (_what, harm) => {
    const home = await kept();
    harm(home);
    expect(await readTool("kubernetes", ["k1"], home)).toBeUndefined();
  });

  test("has a second name that stays when the home is moved", async () => {
    const home = await kept();
    await linkTool("kubectl", "kubernetes", home);
    await linkTool("kubectl", "kubernetes", home);
    const moved = join(folder(), "moved");
    execFileSync("mv", [home, moved]);
    expect(execFileSync(toolPath("kubectl", moved), { encoding: "utf8" })).toContain("/kubectl\n");
  });
});
