import { existsSync, readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { type InstalledPackage, installPackage } from "../support/installed-package.ts";

let installed: InstalledPackage;
beforeAll(async () => {
  installed = await installPackage();
}, 300_000);
afterAll(() => installed.remove(), 60_000);

const inPackage = (path: string) => join(installed.root, path);

const npx = (args: readonly string[]) => run("npx", ["--no-install", "tandem", ...args]);
/** What npx starts, without npm's own start before it, which takes longer than most commands. */
const bin = (args: readonly string[]) => run(join(installed.project, "node_modules/.bin/tandem"), args);

async function run(file: string, args: readonly string[]) {
  const { exitCode, stdout, stderr } = await execa(file, args, { cwd: installed.project, reject: false, input: "" });
  // npm speaks of the configuration of the machine; that is not ours.
  const ours = stderr.split("\n").filter((line) => !line.startsWith("npm "));
  return { exitCode, stdout, stderr: ours.join("\n") };
}

describe("the installed package", () => {
  test("holds JavaScript and data, and no TypeScript, tests or secrets", async () => {
    const files = (await readdir(inPackage("."), { recursive: true })).filter(
      (file) => !file.startsWith("node_modules/"),
    );
    expect(files.filter((file) => /\.ts$|^test|^src|\.env|^docs/.test(file) && !file.endsWith(".d.ts"))).toEqual([]);
    expect(files).toEqual(
      expect.arrayContaining(["bin/tandem", "dist/src/cli/main.js", "stacks/example.yaml", "LICENSE"]),
    );
  });

  test("every file of src that is no TypeScript is in it", async () => {
    const sources = (await readdir("src", { recursive: true, withFileTypes: true })).filter(
      (entry) => entry.isFile() && !entry.name.endsWith(".ts"),
    );
    const missing = sources
      .map((entry) => join("dist", entry.parentPath, entry.name))
      .filter((file) => !existsSync(inPackage(file)));
    expect({ missing, some: sources.length > 5 }).toEqual({ missing: [], some: true });
  });

  test("Pulumi finds its program, its plug-ins and the local stack", () => {
    const project = parse(readFileSync(inPackage("dist/Pulumi.yaml"), "utf8")) as {
      main: string;
      plugins: { providers: { path: string }[] };
    };
    const wanted = [
      project.main,
      ...project.plugins.providers.map(({ path }) => join(path, "pulumi-resource-tandem")),
      "src/infra/language/pulumi-language-nodejs",
      "stacks/local.yaml",
    ];
    expect(wanted.filter((file) => !existsSync(inPackage(join("dist", file))))).toEqual([]);
    expect(project.main).toBe("src/cli/program.js");
  });

  test("npx tandem validate", async () => {
    expect(await npx(["validate", "node_modules/tandem/stacks/local.yaml"])).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining("is valid: deepseek-v3"),
      stderr: "",
    });
  });

  test("npx tandem init, then validate what it wrote", async () => {
    expect(await npx(["init", "mine.yaml"])).toMatchObject({ exitCode: 0, stderr: "" });
    expect(readFileSync(join(installed.project, "mine.yaml"), "utf8").split("\n")[0]).toBe(
      "# yaml-language-server: $schema=node_modules/tandem/stacks/tandem.schema.json",
    );
    expect(await bin(["validate", "mine.yaml"])).toMatchObject({ exitCode: 0 });
  });

  test("plan", async () => {
    const { exitCode, stdout } = await bin(["plan", "node_modules/tandem/stacks/example.yaml", "--output", "json"]);
    expect({ exitCode, plan: JSON.parse(stdout) }).toMatchObject({
      exitCode: 0,
      plan: { name: "example", layout: { name: "tp16", tensorParallel: 16 } },
    });
  });

  test("the bundle and the files beside it say the same", async () => {
    const stack = inPackage("stacks/roce.yaml");
    const lines = [
      ["validate", stack],
      ["plan", stack],
      ["explain", "tp16", "--spec", stack],
      ["explain", "--tp-size"],
    ];
    for (const args of [...lines, ["render", stack], ["schema"], ["--help"], ["nothing"]]) {
      const of = (main: string) => run(process.execPath, [inPackage(main), ...args]);
      const [files, bundle] = await Promise.all([of("dist/src/cli/main.js"), of("dist/light/main.js")]);
      expect([bundle.exitCode, bundle.stdout, bundle.stderr]).toEqual([files.exitCode, files.stdout, files.stderr]);
    }
  }, 120_000);

  test("every command loads, so no import is lost on the way", async () => {
    const { stdout } = await bin(["--help"]);
    const names = [...(stdout.split("Commands:")[1] ?? "").matchAll(/^ {2}([a-z-]+)/gm)].map(([, name]) => name ?? "");
    const results = await Promise.all(names.filter((name) => name !== "help").map((name) => bin([name, "--help"])));
    expect(names.length).toBeGreaterThan(3);
    expect(results.filter(({ exitCode }) => exitCode !== 0)).toEqual([]);
  }, 120_000);
});
