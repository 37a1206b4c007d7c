import { randomBytes } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { parse, stringify } from "yaml";
import { replaceFile } from "../../machines/replace-file.ts";
import { chooseBackend, isInitialized, notMade } from "./backend.ts";
import { removeCutOffFiles } from "./cut-off-files.ts";
import { installLanguageHost } from "./language-plugin.ts";
import { projectRoot } from "./run-pulumi.ts";
import { pulumiEnv, type StackFiles, stackFiles } from "./stack-files.ts";
import { writeOnce } from "./write-once.ts";

export interface OpenStack {
  name: string;
  files: StackFiles;
  env: Record<string, string>;
}

/**
 * Makes a stack known to Pulumi: passphrase, backend, language host, configuration. Everything that is there already is
 * left as it is, except the configuration, which follows `spec`.
 *
 * @param pulumi path of the CLI
 * @param spec absolute path of the spec
 */
export async function openStack(name: string, pulumi: string, spec: string, signal?: AbortSignal): Promise<OpenStack> {
  const files = stackFiles(name);
  await mkdir(files.dir, { recursive: true, mode: 0o700 });
  await mkdir(files.project, { recursive: true });
  const backend = await chooseBackend(name, files);
  if (backend.isOurs) {
    await mkdir(files.backend, { recursive: true });
    await removeCutOffFiles(files.backend);
  }
  await installLanguageHost(files.pulumiHome);
  const env = pulumiEnv(files);
  if (!isInitialized(name, files)) {
    // Only now: a passphrase that was used once is never replaced, or the state could not be read any more.
    await writeOnce(files.passphrase, randomBytes(32).toString("base64url"));
    await writeFile(join(files.project, "Pulumi.yaml"), "name: tandem\nruntime: nodejs\n");
    const args = [
      "stack",
      "init",
      name,
      "--secrets-provider",
      "passphrase",
      "--cwd",
      files.project,
      "--non-interactive",
    ];
    const options = { env, ...(signal ? { cancelSignal: signal } : {}) };
    await execa(pulumi, args, options).catch((error: { stderr?: string }) => {
      signal?.throwIfAborted();
      throw backend.isOurs ? error : notMade(name, backend, error.stderr ?? "");
    });
    // For the stock CLI in the folder of the project.
    await execa(pulumi, ["stack", "select", name, "--cwd", projectRoot, "--non-interactive"], options);
  }
  const { encryptionsalt } = parse(await readFile(join(files.project, `Pulumi.${name}.yaml`), "utf8")) as {
    encryptionsalt: string;
  };
  await replaceFile(files.config, stringify({ encryptionsalt, config: { "tandem:spec": spec } }), 0o600);
  return { name, files, env };
}
