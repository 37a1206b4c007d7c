import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { withStackLock } from "../../src/infra/stack/stack-lock.ts";
import { engineDir, toolsDir } from "../../src/machines/home.ts";
import { HOST_PROGRAMS } from "../../src/machines/local/host-programs.ts";
import { withLock } from "../../src/machines/lock.ts";
import { startFakeDaemon } from "../support/fake-daemon.ts";
import { temporaryFolders } from "../support/temporary-folder.ts";

const temporary = temporaryFolders();
const root = join(import.meta.dirname, "../..");
const folders = (process.env.PATH ?? "").split(delimiter);
const ready = Object.keys(HOST_PROGRAMS).every((name) => folders.some((folder) => existsSync(join(folder, name))));

const before = process.env.TANDEM_HOME;
let home: string;
let daemon: Awaited<ReturnType<typeof startFakeDaemon>>;
beforeEach(async () => {
  home = temporary();
  process.env.TANDEM_HOME = home;
  daemon = await startFakeDaemon(engineDir(home));
});
afterEach(async () => {
  await daemon.end();
  if (before === undefined) delete process.env.TANDEM_HOME;
  else process.env.TANDEM_HOME = before;
});

/** `tandem up` that waits for programs which another command builds, and Ctrl-C as the terminal and the launcher send it. */
async function interruptedUp(): Promise<{ code: number | null; said: string }> {
  // The stack of this spec may be up on this computer; another home could not have its network.
  const spec = join(home, "local.yaml");
  writeFileSync(spec, readFileSync(join(root, "stacks/local.yaml"), "utf8").replaceAll("10.231.0.", "10.237.78."));
  mkdirSync(toolsDir(home), { recursive: true });
  return withLock(join(toolsDir(home), "install.lock"), undefined, async () => {
    const child = spawn(process.execPath, [join(root, "src/cli/main.ts"), "up", spec], {
      cwd: root,
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...process.env, NO_COLOR: "1" },
    });
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text) => {
      said += text;
    });
    const ended = once(child, "close");
    // The image of the machines is looked at beside the programs.
    await expect.poll(() => said, { timeout: 30_000 }).toContain("Debian for the machines: done");
    // The launcher's comes when the terminal's is already worked on.
    child.stderr.on("data", (text) => text.includes("ending the private") && child.kill("SIGINT"));
    child.kill("SIGINT");
    const [code] = await ended;
    return { code, said };
  });
}

const can = process.platform === "linux" && process.getuid?.() === 0 && ready;

test.runIf(can)("Ctrl-C while the programs are built ends the container daemon too", async () => {
  const { code, said } = await interruptedUp();
  expect(code, said).toBe(2);
  expect(said).toContain("ending the private container daemon");
  expect(daemon.runs()).toBe(false);
});

test.runIf(can)("it stays while a command works on another stack", async () => {
  const { code, said } = await withStackLock("other", interruptedUp);
  expect(code, said).toBe(2);
  expect(daemon.runs()).toBe(true);
});
