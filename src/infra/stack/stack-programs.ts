import { chmod, mkdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { StackFiles } from "./stack-files.ts";

/** Commands of the CLI that read or write the stack's configuration. */
const WITH_CONFIG = "up|update|preview|pre|refresh|destroy|import|watch|config";

/**
 * A folder for PATH with `kubectl`, and a `pulumi` that is the stock CLI with one flag added: it uses the stack's own
 * configuration file instead of writing its salt into the committed one.
 */
export async function writeStackPrograms(files: StackFiles, tools: { kubectl: string; pulumi: string }): Promise<void> {
  await mkdir(files.programs, { recursive: true });
  const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
  const script = `#!/bin/sh
case "\${1-}" in
  ${WITH_CONFIG}) exec ${quoted(tools.pulumi)} "$@" --config-file ${quoted(files.config)} ;;
  *) exec ${quoted(tools.pulumi)} "$@" ;;
esac
`;
  await writeFile(join(files.programs, "pulumi.new"), script);
  await chmod(join(files.programs, "pulumi.new"), 0o755);
  await rename(join(files.programs, "pulumi.new"), join(files.programs, "pulumi"));
  await rm(join(files.programs, "kubectl"), { force: true });
  await symlink(tools.kubectl, join(files.programs, "kubectl"));
}
