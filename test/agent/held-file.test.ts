import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readlinkSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { HeldFile } from "../../src/agent/held-file.ts";
import { Machine } from "./agent-process.ts";

describe("a file that is read again and again", () => {
  test("says what it holds at each moment, and nothing where it is not there", async () => {
    await using machine = new Machine();
    const path = machine.path("state");
    const file = new HeldFile(path);
    expect(await file.text()).toBe("");
    writeFileSync(path, "4: ACTIVE\n");
    expect(await file.text()).toBe("4: ACTIVE");
    writeFileSync(path, "1: DOWN\n");
    expect(await file.text()).toBe("1: DOWN");
    file.close();
    writeFileSync(path, "2: INIT\n");
    expect(await file.text()).toBe("2: INIT");
    file.close();
  });

  // A process is the device here: when it is gone reads of its files fail, as those of a card's in /sys do.
  test.skipIf(process.platform !== "linux")("of a device that is gone says nothing, and is let go", async () => {
    const child = spawn("sleep", ["60"]);
    const path = `/proc/${child.pid}/comm`;
    const file = new HeldFile(path);
    expect(await file.text()).not.toBe("");
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
    expect(await file.text()).toBe("");
    await expect.poll(() => openFiles().filter((name) => name.startsWith(path))).toEqual([]);
  });
});

function openFiles(): string[] {
  return readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)];
    } catch {
      return [];
    }
  });
}
