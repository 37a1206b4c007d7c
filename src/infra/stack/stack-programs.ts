import { chmod, mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { STACK_PROGRAM } from "../../machines/tools/find-on-path.ts";
import { quoted } from "../../shell-word.ts";
import { RESUME_AS_TYPED } from "./resume.ts";
import type { StackFiles } from "./stack-files.ts";

/** Commands of the CLI that read or write the stack's configuration. */
const WITH_CONFIG = "up|update|preview|pre|refresh|destroy|import|watch|config";

/**
 * A folder for PATH. Its `kubectl` is the stock one, which keeps what it remembers of the cluster with the stack instead of in
 * the home of whoever runs it; its `pulumi` is the stock one with one flag added: it uses the stack's own configuration file
 * instead of writing its salt into the committed one, and errors name the command as it was typed.
 */
export async function writeStackPrograms(files: StackFiles, tools: { kubectl: string; pulumi: string }): Promise<void> {
  await mkdir(files.programs, { recursive: true });
  await writeProgram(
    join(files.programs, "pulumi"),
    `case "\${1-}" in
  ${WITH_CONFIG}) exec env ${RESUME_AS_TYPED} ${quoted(tools.pulumi)} "$@" --config-file ${quoted(files.config)} ;;
  *) exec ${quoted(tools.pulumi)} "$@" ;;
esac`,
  );
  await writeProgram(
    join(files.programs, "kubectl"),
    `[ -n "\${KUBECACHEDIR-}" ] || export KUBECACHEDIR=${quoted(files.kubectlCache)}
exec ${quoted(tools.kubectl)} "$@"`,
  );
}

async function writeProgram(path: string, script: string): Promise<void> {
  await writeFile(`${path}.new`, `#!/bin/sh\n${STACK_PROGRAM}\n${script}\n`);
  await chmod(`${path}.new`, 0o755);
  await rename(`${path}.new`, path);
}
