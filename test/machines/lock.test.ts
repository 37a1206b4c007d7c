import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { withLock } from "../../src/machines/lock.ts";
import { isRunning, recordOf } from "../../src/machines/process-record.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lock-"));
  path = join(folder, "sub/lock");
});
afterEach(() => rmSync(folder, { recursive: true }));

describe.skipIf(process.platform !== "linux")("withLock", () => {
  it("lets one in at a time and removes the lock, also after an error", async () => {
    let inside = 0;
    let most = 0;
    const turn = () =>
      withLock(path, undefined, async () => {
        most = Math.max(most, ++inside);
        await new Promise((resolve) => setTimeout(resolve, 5));
        inside--;
      });
    await Promise.all([turn(), turn(), turn()]);
    await expect(withLock(path, undefined, () => Promise.reject(new Error("inside")))).rejects.toThrow("inside");
    expect(most).toBe(1);
    expect(existsSync(path)).toBe(false);
  });

  it("takes over the lock of a process that was killed", async () => {
    const child = spawn("sleep", ["60"]);
    const record = await recordOf(child.pid ?? 0);
    if (!record) throw new Error("the child does not run");
    await withLock(path, undefined, async () => undefined);
    writeFileSync(path, JSON.stringify(record));
    const waiting = withLock(path, AbortSignal.timeout(300), async () => "got it").catch((error: Error) => error.name);
    expect(await waiting, "its owner lives").toMatch(/AbortError|TimeoutError/);
    expect(JSON.parse(readFileSync(path, "utf8"))).toEqual(record);
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(await isRunning(record)).toBe(false);
    expect(await withLock(path, AbortSignal.timeout(5_000), async () => "got it")).toBe("got it");
  });

  it("does not mistake another process with the same number for the owner", async () => {
    const self = await recordOf(process.pid);
    expect(await isRunning({ pid: process.pid, startTicks: self?.startTicks ?? "" })).toBe(true);
    expect(await isRunning({ pid: process.pid, startTicks: "1" })).toBe(false);
  });
});
