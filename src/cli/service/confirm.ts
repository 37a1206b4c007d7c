import { createInterface } from "node:readline/promises";

/**
 * Asks one question that names what would happen. Without a terminal nobody can answer, and silence is no consent: then
 * `--yes` is needed.
 */
export async function confirmed(question: string): Promise<boolean | "no terminal"> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return "no terminal";
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim());
  } finally {
    terminal.close();
  }
}
