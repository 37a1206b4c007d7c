import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { installLanguageHost } from "../../../src/infra/stack/language-plugin.ts";
import { toolsDir } from "../../../src/machines/home.ts";

const projectDir = dirname(fileURLToPath(import.meta.url));

export interface Outcome {
  exitCode: number;
  /** stdout and stderr together. */
  text: string;
}

/** One stack of the scratch project in a folder of its own, driven by the real Pulumi CLI. */
export interface Scratch {
  dir: string;
  journal: string;
  file(name: string): string;
  /** What the program shall declare at the next run. */
  declare(files: object[], extra?: Record<string, string>): Promise<void>;
  pulumi(args: string[], options?: { interruptWhen?: () => boolean }): Promise<Outcome>;
  state(): Promise<string>;
  end(): Promise<void>;
}

export async function scratch(pulumi: string): Promise<Scratch> {
  const dir = await mkdtemp(join(tmpdir(), "tandem-scratch-"));
  await mkdir(join(dir, "backend"));
  await installLanguageHost(join(dir, "home"));
  const env = {
    PATH: process.env.PATH,
    HOME: dir,
    PULUMI_HOME: join(dir, "home"),
    PULUMI_BACKEND_URL: `file://${join(dir, "backend")}`,
    PULUMI_CONFIG_PASSPHRASE: "a passphrase of the test",
    PULUMI_SKIP_UPDATE_CHECK: "1",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "1",
  };
  // `stack init` writes its salt beside the Pulumi.yaml that it finds; a namesake keeps the real project's folder clean.
  await writeFile(join(dir, "Pulumi.yaml"), "name: scratch\nruntime: nodejs\n");
  const configFile = join(dir, "Pulumi.test.yaml");
  const run: Scratch["pulumi"] = async (args, { interruptWhen } = {}) => {
    const child = execa(pulumi, [...args, "--non-interactive", "--color", "never"], {
      cwd: projectDir,
      env,
      extendEnv: false,
      all: true,
      reject: false,
      stdin: "ignore",
    });
    const watcher = setInterval(() => {
      if (!interruptWhen?.()) return;
      child.kill("SIGINT");
      clearInterval(watcher);
    }, 50);
    const { all, exitCode } = await child;
    clearInterval(watcher);
    return { exitCode: exitCode ?? -1, text: all };
  };
  const made = await run(["stack", "init", "test", "--cwd", dir]);
  if (made.exitCode !== 0) throw new Error(made.text);
  const salt = (await readFile(configFile, "utf8")).split("\n").find((line) => line.startsWith("encryptionsalt")) ?? "";
  const journal = join(dir, "journal");
  return {
    dir,
    journal,
    file: (name) => join(dir, name),
    declare: (files, extra = {}) =>
      writeFile(
        configFile,
        `${salt}\nconfig: ${JSON.stringify({ "scratch:files": JSON.stringify(files), ...extra })}\n`,
      ),
    pulumi: (args, options) => run([...args, "--stack", "test", "--config-file", configFile], options),
    state: () => readFile(join(dir, "backend", ".pulumi", "stacks", "scratch", "test.json"), "utf8"),
    end: () => rm(dir, { recursive: true, force: true }),
  };
}

export const pulumiBinary = join(toolsDir(), "pulumi-3.259.0", "pulumi");
