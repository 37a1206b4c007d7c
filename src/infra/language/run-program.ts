import { type ChildProcess, spawn } from "node:child_process";
import { createRequire } from "node:module";
import { extname, join } from "node:path";

/** What the CLI asks the language host to run; the fields of `RunRequest` that a Node program needs. */
export interface ProgramRun {
  monitorAddress: string;
  engineAddress: string;
  project: string;
  stack: string;
  organization: string;
  workingDirectory: string;
  rootDirectory: string;
  entryPoint: string;
  args: readonly string[];
  dryRun: boolean;
  parallel: number;
  config: Record<string, string>;
  secretKeys: readonly string[];
  nodeArgs: readonly string[];
}

/** `bail`: the program printed its own error and the CLI must not add another; `error`: the CLI says this. */
export type ProgramEnd = { kind: "done" } | { kind: "bail" } | { kind: "error"; message: string };

// The SDK exits with this code when it has already told the operator what went wrong (cmd/run/index.ts of the SDK).
const explainedExitCode = 32;

/** An installed package holds the JavaScript made from the sources. */
const leanSdk = new URL(`./lean-sdk${extname(import.meta.filename)}`, import.meta.url).href;

/** The command line of the SDK's own runner, in the order in which the official host writes it. */
export function programArgs(run: ProgramRun, runner: string): string[] {
  return [
    ...run.nodeArgs,
    ...["--import", leanSdk],
    runner,
    ...["--monitor", run.monitorAddress],
    ...["--engine", run.engineAddress],
    ...["--project", run.project],
    ...["--stack", run.stack],
    ...["--organization", run.organization],
    ...["--root-directory", run.rootDirectory],
    ...["--pwd", run.workingDirectory],
    ...(run.dryRun ? ["--dry-run"] : []),
    ...["--parallel", String(run.parallel)],
    run.entryPoint,
    ...run.args,
  ];
}

/**
 * Starts a Pulumi program under this process's own Node. The program talks to the engine by itself; the host only has
 * to start it, end it and say how it ended.
 *
 * @param started called with the child, so that a cancel can reach it.
 */
export function runProgram(run: ProgramRun, started: (child: ChildProcess) => void): Promise<ProgramEnd> {
  // The SDK that the program itself imports: runner and program must share one copy, which holds the resources.
  const runner = createRequire(join(run.workingDirectory, run.entryPoint)).resolve("@pulumi/pulumi/cmd/run/index.js");
  const child = spawn(process.execPath, programArgs(run, runner), {
    cwd: run.workingDirectory,
    stdio: ["ignore", "inherit", "inherit"],
    env: {
      ...process.env,
      PULUMI_CONFIG: JSON.stringify(run.config),
      PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(run.secretKeys),
      // ts-node needs the compiler API, which TypeScript 7 does not have; Node strips the types itself.
      PULUMI_NODEJS_TYPESCRIPT: "false",
    },
  });
  started(child);
  return new Promise((resolve) => {
    child.once("error", (error) => resolve({ kind: "error", message: `could not start Node: ${error.message}` }));
    child.once("exit", (code, signal) => resolve(programEnd(code, signal)));
  });
}

export function programEnd(code: number | null, signal: string | null): ProgramEnd {
  if (code === 0) return { kind: "done" };
  if (code === explainedExitCode) return { kind: "bail" };
  return {
    kind: "error",
    message: signal ? `the program was ended by ${signal}` : `the program exited with non-zero exit code: ${code}`,
  };
}
