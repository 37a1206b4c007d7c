import { execa } from "execa";

export interface CliResult {
  exitCode: number;
  stdout: string;
  stderr: string;
}

/** Runs `tandem` from the sources, with no terminal, in `cwd`. */
export async function tandem(args: readonly string[], cwd: string = process.cwd()): Promise<CliResult> {
  const main = new URL("../../src/cli/main.ts", import.meta.url).pathname;
  const { exitCode, stdout, stderr } = await execa(process.execPath, [main, ...args], {
    cwd,
    reject: false,
    input: "",
    env: { NO_COLOR: "1" },
  });
  return { exitCode: exitCode ?? -1, stdout, stderr };
}
