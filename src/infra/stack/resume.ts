import { relative } from "node:path";
import { shellWord } from "../../shell-word.ts";

/** How a command tells the provider, which Pulumi starts, by what command line an operator goes on after an error. */
const VARIABLE = "TANDEM_RESUME";

/**
 * The variable for a Pulumi that is run by `tandem VERB FILE`.
 *
 * @param file absolute path of the spec; shown as seen from the working folder where it lies below that
 */
export function resumeVariable(verb: "up" | "down", file: string): Record<string, string> {
  const below = relative(process.cwd(), file);
  const shown = below.startsWith("..") ? file : below;
  return { [VARIABLE]: `tandem ${verb} ${shellWord(shown)}` };
}

/** As shell: the words after it are run with the variable that names them. For the `pulumi` of a stack. */
export const RESUME_AS_TYPED = `${VARIABLE}="pulumi $*"`;

/** The command line that goes on after an error, for the provider. Without a word from anybody a stock Pulumi runs it. */
export function resumeCommand(): string {
  return process.env[VARIABLE] ?? "pulumi up";
}
