import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { unmountBelow } from "../../../src/machines/local/leftovers.ts";

function canMount(): boolean {
  try {
    execFileSync("unshare", ["--mount", "true"], { stdio: "ignore" });
    return process.getuid?.() === 0;
  } catch {
    return false;
  }
}

test.runIf(canMount())(
  "a mount that a dying process still holds is waited for, one inside another goes first",
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "leftovers-"));
    const outer = join(folder, "outer");
    mkdirSync(outer);
    execFileSync("mount", ["-t", "tmpfs", "none", outer]);
    mkdirSync(join(outer, "inner"));
    execFileSync("mount", ["-t", "tmpfs", "none", join(outer, "inner")]);
    const holder = spawn("sh", ["-c", "echo; exec sleep 60"], { cwd: outer, stdio: ["ignore", "pipe", "ignore"] });
    await once(holder.stdout, "data");
    const ended = once(holder, "exit").then(() => "holder ended");
    const unmounted = unmountBelow(folder).then(() => "unmounted");
    setTimeout(() => holder.kill("SIGKILL"), 300);
    expect(await Promise.race([ended, unmounted])).toBe("holder ended");
    await unmounted;
    expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toContain(folder);
    rmSync(folder, { recursive: true });
  },
);
