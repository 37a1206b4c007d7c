import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

// A clone in small: the real launcher, a lock file without dependencies, and a program that shows what reached it.
const MAIN = `
const [what, value] = process.argv.slice(2);
if (what === "exit") process.exit(Number(value));
if (what === "wait") {
  process.on("SIGTERM", () => { console.log("asked to stop"); process.exit(3); });
  console.log("ready");
  setInterval(() => {}, 1000);
} else console.log(JSON.stringify(process.argv.slice(2)));
`;
const LOCK = { name: "small", version: "1.0.0", lockfileVersion: 3, requires: true };

let clone = "";
beforeEach(async () => {
  clone = await mkdtemp(join(tmpdir(), "tandem-launch-"));
  await cp("bin", join(clone, "bin"), { recursive: true });
  await mkdir(join(clone, "src/cli"), { recursive: true });
  await writeFile(join(clone, "src/cli/main.ts"), MAIN);
  await writeFile(join(clone, "package.json"), JSON.stringify({ name: "small", version: "1.0.0", type: "module" }));
  await writeLock({ "": { name: "small", version: "1.0.0" } });
});
afterEach(() => rm(clone, { recursive: true, force: true }));

const writeLock = (packages: object) =>
  writeFile(join(clone, "package-lock.json"), JSON.stringify({ ...LOCK, packages }));
const start = (...args: string[]) =>
  execa(process.execPath, [join(clone, "bin/tandem"), ...args], { reject: false, forceKillAfterDelay: 5000 });
const installs = (stderr: string) => stderr.split("installing dependencies").length - 1;

describe("the launcher of a clone", () => {
  test("installs once, then hands the words over as they are", async () => {
    const first = await start("plan", "a b", "--x=1");
    expect(first).toMatchObject({ exitCode: 0, stdout: '["plan","a b","--x=1"]' });
    expect(installs(first.stderr)).toBe(1);
    expect((await start("plan")).stderr).toBe("");
  });

  test("two starts at once install once", async () => {
    const both = await Promise.all([start("a"), start("b")]);
    expect(both.map(({ exitCode }) => exitCode)).toEqual([0, 0]);
    expect(both.reduce((sum, { stderr }) => sum + installs(stderr), 0)).toBe(1);
  });

  test("a lock left by a process that died does not count", async () => {
    const { stdout: pid } = await execa(process.execPath, ["-p", "process.pid"]);
    await writeFile(join(clone, ".npm-ci.lock"), pid);
    expect(await start("a")).toMatchObject({ exitCode: 0 });
  });

  test("what npm install put in place is not installed again", async () => {
    await start("a");
    const packages = { "": { name: "small", version: "1.0.0" }, "node_modules/x": { version: "1.2.3" } };
    await writeLock(packages);
    await writeFile(
      join(clone, "node_modules/.package-lock.json"),
      JSON.stringify({ ...LOCK, packages: { "node_modules/x": { version: "1.2.3" } } }),
    );
    expect(installs((await start("a")).stderr)).toBe(0);
  });

  test("another version in the lock file is", async () => {
    await start("a");
    await writeLock({ "": { name: "small", version: "1.0.0" }, "node_modules/x": { version: "1.2.4" } });
    await writeFile(
      join(clone, "node_modules/.package-lock.json"),
      JSON.stringify({ ...LOCK, packages: { "node_modules/x": { version: "1.2.3" } } }),
    );
    expect(installs((await start("a")).stderr)).toBe(1);
  });

  test("npm fails: exit 2, what to do, and no lock left", async () => {
    await writeFile(join(clone, "package-lock.json"), "{");
    const { exitCode, stderr } = await start("a");
    expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: expect.stringContaining("[E_NPM_CI]") });
    await expect(readFile(join(clone, ".npm-ci.lock"))).rejects.toThrow();
  });

  test("the exit code is the program's", async () => {
    expect((await start("exit", "3")).exitCode).toBe(3);
  });

  test("a signal to the launcher alone reaches the program", async () => {
    const running = start("wait");
    await new Promise((resolve) => running.stdout.once("data", resolve));
    running.kill("SIGTERM");
    expect(await running).toMatchObject({ exitCode: 3, stdout: expect.stringContaining("asked to stop") });
  });
});
