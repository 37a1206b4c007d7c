import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { clearStaleLock } from "../../../src/infra/stack/pulumi-lock.ts";
import { type StackFiles, stackFiles } from "../../../src/infra/stack/stack-files.ts";
import { temporaryFolders } from "../../support/temporary-folder.ts";

const temporary = temporaryFolders();
let files: StackFiles;
let folder: string;
beforeEach(() => {
  files = stackFiles("s", temporary());
  folder = join(files.backend, ".pulumi/locks/organization/tandem/s");
  mkdirSync(folder, { recursive: true });
});

/** A lock as Pulumi's file backend writes it, with the attributes beside it. */
function plant(lock: { pid: number; hostname: string }): string {
  const path = join(folder, "0b5f.json");
  writeFileSync(path, JSON.stringify({ ...lock, username: "kim", timestamp: "2026-11-29T08:00:00Z" }));
  writeFileSync(`${path}.attrs`, "{}");
  return path;
}

/** Waits no longer than that for a process that runs. */
async function clear(endingMs = 0, aborted = AbortSignal.timeout(20_000)): Promise<string[]> {
  const said: string[] = [];
  await clearStaleLock("s", files, { say: (line) => said.push(line), signal: aborted, endingMs });
  return said;
}

/** The number of a process that has ended. */
const deadPid = () => spawnSync("true").pid;

describe.skipIf(process.platform !== "linux")("the lock of a Pulumi", () => {
  test("taken on this computer by a process that is dead: removed, with its attributes", async () => {
    plant({ pid: deadPid(), hostname: hostname() });
    expect(await clear()).toEqual([]);
    expect(readdirSync(folder)).toEqual([]);
  });

  test("taken on another computer: stays, also where a process here has its number or none has", async () => {
    for (const pid of [deadPid(), process.pid]) {
      const path = plant({ pid, hostname: "desk" });
      await expect(clear()).rejects.toMatchObject({
        code: "E_PULUMI_LOCK",
        why: `process ${pid} of kim on desk has held it since 2026-11-29T08:00:00Z`,
        fix: "make sure that nothing runs there, then `pulumi cancel --stack s`",
      });
      expect(existsSync(path)).toBe(true);
    }
  });

  test("held by a process that runs here: stays, and how to end it is said", async () => {
    const path = plant({ pid: process.pid, hostname: hostname() });
    await expect(clear(300)).rejects.toMatchObject({
      code: "E_PULUMI_LOCK",
      why: expect.stringMatching(/has held it since \S+, and runs$/),
      fix: expect.stringContaining(`kill -INT ${process.pid}`),
    });
    expect(existsSync(path)).toBe(true);
  });

  test("held by a process that ends meanwhile: waited for, then removed", async () => {
    const child = spawn("sleep", ["0.4"]);
    plant({ pid: child.pid ?? 0, hostname: hostname() });
    expect(await clear(20_000)).toEqual([`waiting for Pulumi, process ${child.pid}, to end`]);
    expect(readdirSync(folder)).toEqual([]);
  });

  test("Ctrl-C ends the wait, and the lock stays", async () => {
    const path = plant({ pid: process.pid, hostname: hostname() });
    await expect(clear(20_000, AbortSignal.timeout(100))).rejects.toThrow();
    expect(existsSync(path)).toBe(true);
  });

  test("never taken: nothing is in the way", async () => {
    expect(await clear()).toEqual([]);
  });
});
