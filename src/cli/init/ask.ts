import { createInterface } from "node:readline";
import { TandemError } from "../../errors.ts";
import { checkSpec } from "../../spec/parse.ts";
import type { SpecPath } from "../../spec/problem.ts";
import type { InitFlags } from "./flags.ts";
import { QUESTIONS, type Question, toFlag } from "./questions.ts";
import { starterSpec } from "./starter-spec.ts";

/**
 * Asks for what the flags left open and asks again until an answer is good. Throws E_INIT_CANCELLED when the input ends
 * (Ctrl-C, Ctrl-D) before the last answer.
 */
export async function askForRest(
  flags: InitFlags,
  input: NodeJS.ReadableStream,
  output: NodeJS.WritableStream,
): Promise<InitFlags> {
  const terminal = createInterface({ input, output });
  // The iterator keeps lines that come before their question, e.g. of answers pasted in one go.
  const lines = terminal[Symbol.asyncIterator]();
  let isOpen = true;
  terminal.once("close", () => {
    isOpen = false;
  });
  const ask = async (text: string): Promise<string> => {
    terminal.setPrompt(text);
    // After the end of the input there may be lines left, and a closed terminal takes no prompt.
    if (isOpen) terminal.prompt();
    const { value, done } = await lines.next();
    if (done === true) throw cancelled();
    return value;
  };
  let answers = { ...flags };
  try {
    for (const question of QUESTIONS) {
      if (answers[question.flag] !== undefined || question.when?.(answers) === false) continue;
      answers = await answerTo(question, answers, output, ask);
    }
    return answers;
  } finally {
    terminal.close();
  }
}

function cancelled(): TandemError {
  return new TandemError({
    code: "E_INIT_CANCELLED",
    what: "no spec was written",
    why: "the input ended before the last answer",
    fix: "run `tandem init` again, or give the answers as flags (`tandem init --help`)",
  });
}

async function answerTo(
  question: Question,
  answers: InitFlags,
  output: NodeJS.WritableStream,
  ask: (text: string) => Promise<string>,
): Promise<InitFlags> {
  const fallback = question.fallback(answers);
  const hint = fallback === undefined || fallback === "" ? "" : ` [${fallback}]`;
  for (;;) {
    const answer = (await ask(`${question.ask}${hint}: `)).trim() || fallback;
    if (answer === undefined) continue;
    const next = { ...answers, [question.flag]: toFlag(question.flag, answer) };
    const complaint = complaintAbout(next, question.paths);
    if (complaint === undefined) return next;
    output.write(`  ${complaint}\n`);
  }
}

/** The first problem below one of the paths, or what makes the answer unreadable. */
function complaintAbout(answers: InitFlags, paths: readonly SpecPath[]): string | undefined {
  try {
    const found = checkSpec(starterSpec(answers), { allowPlaceholder: true }).find(
      ({ severity, path }) =>
        severity === "error" && paths.some((prefix) => prefix.every((step, index) => path[index] === step)),
    );
    return found && `${found.what}: ${found.why}; ${found.fix}`;
  } catch (error) {
    if (error instanceof TandemError) return `${error.why}; ${error.fix}`;
    throw error;
  }
}
