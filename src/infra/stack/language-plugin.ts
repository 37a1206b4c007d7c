import { chmod, mkdir, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { quoted } from "../../shell-word.ts";

const host = join(dirname(dirname(fileURLToPath(import.meta.url))), "language", "pulumi-language-nodejs");

/**
 * Puts our Node.js language host into the plug-in cache of a PULUMI_HOME. The CLI looks there last: a host that came
 * with an official bundle is taken first, and without one there is no warning about a plug-in on PATH.
 */
export async function installLanguageHost(pulumiHome: string): Promise<void> {
  const { version } = createRequire(import.meta.url)("@pulumi/pulumi/package.json") as { version: string };
  const folder = join(pulumiHome, "plugins", `language-nodejs-v${version}`);
  await mkdir(folder, { recursive: true });
  const script = join(folder, "pulumi-language-nodejs");
  // Written anew each time: the project may have moved since.
  await writeFile(script, `#!/bin/sh\nexec ${quoted(host)} "$@"\n`);
  await chmod(script, 0o755);
}
