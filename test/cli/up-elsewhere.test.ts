import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { expect, test } from "vitest";
import { existingSpec } from "../support/existing-spec.ts";
import { temporaryFolders } from "../support/temporary-folder.ts";

const temporary = temporaryFolders();
const root = join(import.meta.dirname, "../..");

async function tandem(args: string[], env: Record<string, string>) {
  const { exitCode, all } = await execa(process.execPath, [join(root, "src/cli/main.ts"), ...args], {
    cwd: root,
    all: true,
    reject: false,
    stdin: "ignore",
    env: { NO_COLOR: "1", ...env },
  });
  return { exitCode, text: all };
}

// What a computer with macOS is to us: another platform, and no /proc.
const MACOS = `data:text/javascript,${encodeURIComponent(`
import fs from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
const { readFile } = fs;
fs.readFile = (path, ...more) => readFile(String(path).replace(/^[/]proc[/]/, "/no-proc/"), ...more);
syncBuiltinESMExports();
Object.defineProperty(process, "platform", { value: "darwin" });
`)}`;

test.each(["up", "down"])("on another system `%s` says that it needs Linux, and what works there", async (verb) => {
  const folder = temporary();
  mkdirSync(join(folder, "home/stacks/example"), { recursive: true });
  const spec = existingSpec(folder, "protect: false\n");
  const env = { TANDEM_HOME: join(folder, "home"), NODE_OPTIONS: `--import=${MACOS}` };
  const { exitCode, text } = await tandem([verb, spec], env);
  expect(exitCode, text).toBe(1);
  expect(text).toMatch(/^tandem: this command works on Linux alone: .*this is darwin\n {2}fix: run it on Linux/);
  expect(text).toMatch(/`tandem plan`.* work here.*\[E_NEEDS_LINUX\]$/);
});

test.runIf(process.platform === "linux")(
  "a computer without ssh and ip is told so before anything is made",
  async () => {
    // Without apt-get either: nothing is installed by a test.
    const env = { TANDEM_HOME: join(temporary(), "home"), PATH: temporary() };
    const { exitCode, text } = await tandem(["up", "stacks/local.yaml"], env);
    expect(exitCode, text).toBe(1);
    expect(text).toMatch(/^tandem: this computer lacks ssh, ssh-keygen, ip: there is no apt-get here/);
    expect(text).toMatch(
      /fix: install iproute2 and openssh-client, and run the same command again {2}\[E_HOST_PROGRAMS\]$/,
    );
  },
);
