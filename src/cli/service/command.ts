import { Command, InvalidArgumentError } from "commander";
import { TandemError } from "../../errors.ts";
import { EXIT, Exit } from "../exit.ts";
import { interrupted } from "../interrupted.ts";
import { type OutputFormat, outputOption, printData } from "../output.ts";
import { type ServiceAccess, type ServiceOptions, withService } from "./access.ts";
import { type Ask, askFor, type Outcome } from "./ask.ts";

export interface CommonOptions extends ServiceOptions {
  output: OutputFormat;
}

export interface RequestOptions extends CommonOptions {
  timeout: number;
}

/** The options that every command on a ModelService has. */
export function serviceCommand(name: string): Command {
  return new Command(name)
    .option("-s, --stack <name>", "the stack", "local")
    .option("--kubeconfig <file>", "your own way to the cluster, where the stack was made on another computer")
    .addOption(outputOption());
}

/** The same with a limit to the wait. */
export function requestCommand(name: string, seconds: number): Command {
  return serviceCommand(name).option(
    "--timeout <seconds>",
    "how long to wait for the reconciler's word",
    wholeSeconds,
    seconds,
  );
}

function wholeSeconds(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError("want a number of seconds above 0.");
  return value;
}

/**
 * Asks and waits, prints the outcome, and ends with its exit code: 0 done, 1 refused, 3 not known yet. Ctrl-C ends the
 * wait and nothing else, and says so.
 */
export async function runRequest(
  options: RequestOptions,
  ask: Pick<Ask, "kind" | "target" | "check"> & { doneText: string },
): Promise<void> {
  const outcome = await withService(options, (access) => request(access, options, ask));
  await tell(outcome, options, ask.doneText);
}

/** Asks and waits; what the reconciler does meanwhile is told on stderr. */
export function request(
  access: ServiceAccess,
  { timeout }: Pick<RequestOptions, "timeout">,
  ask: Pick<Ask, "kind" | "target" | "check">,
): Promise<Outcome> {
  const onProgress = (text: string) => void process.stderr.write(`  ${text}\n`);
  return askFor(access, { ...ask, timeoutMs: timeout * 1000, signal: interrupted(), onProgress });
}

/** @throws Exit with the code of an outcome that is not `done` */
export async function tell(outcome: Outcome, { stack, output }: CommonOptions, doneText: string): Promise<void> {
  if (output === "text") process.stdout.write(outcomeText(outcome, doneText, stack));
  else await printData(outcome, output);
  if (outcome.outcome === "refused") throw new Exit(EXIT.refused);
  if (outcome.outcome === "unknown") throw new Exit(EXIT.unknown);
}

function outcomeText({ outcome, request, detail, seconds }: Outcome, doneText: string, stack: string): string {
  const what = `${request.kind} ${request.target}`;
  if (outcome === "done") return `${doneText} (${seconds} s): ${detail}\n`;
  if (outcome === "refused") return `refused, nothing was changed: ${detail}\n`;
  return (
    `not known yet: ${what} goes on without this command (${detail})\n` +
    `  see how it ends: tandem explain decision --stack ${stack}\n`
  );
}

/** A refusal before anything is asked for. */
export function refused(what: string, why: string, fix: string): TandemError {
  return new TandemError({ code: "E_REFUSED", what, why, fix });
}
