import { existsSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { TandemError } from "../../errors.ts";
import { replaceFile } from "../../machines/replace-file.ts";
import type { StackFiles } from "./stack-files.ts";

/** Where Pulumi keeps the state of a stack. */
export interface Backend {
  url: string;
  /** The folder in the stack's own, of which locks and state can be read as files, and which goes with the stack. */
  isOurs: boolean;
}

/**
 * By it an operator chooses another backend for a stack that is made. Not PULUMI_BACKEND_URL: `tandem env` exports that one for
 * the stock CLI, and the next `tandem up` in the same shell may be of another stack.
 */
const VARIABLE = "TANDEM_BACKEND_URL";

/** The backend with which a stack was made: its own folder, if nobody chose another one. */
export function backendOf(files: StackFiles): Backend {
  const chosen = existsSync(files.chosenBackend) ? readFileSync(files.chosenBackend, "utf8").trim() : "";
  return { url: chosen || `file://${files.backend}`, isOurs: chosen === "" };
}

/** Whether `pulumi stack init` was run: from then on the state is there and nowhere else. */
export function isInitialized(name: string, files: StackFiles): boolean {
  return existsSync(join(files.project, `Pulumi.${name}.yaml`));
}

/**
 * Keeps the operator's choice for a stack that is not made yet: every later command, of any shell, finds the same state.
 *
 * @throws TandemError E_BACKEND where a stack is somewhere else already
 */
export async function chooseBackend(name: string, files: StackFiles): Promise<Backend> {
  const wanted = process.env[VARIABLE] || undefined;
  const { url } = backendOf(files);
  if (isInitialized(name, files)) {
    if (wanted !== undefined && wanted !== url) throw elsewhere(name, url, wanted);
  } else if (wanted === undefined) {
    // Of a try that came to nothing.
    await rm(files.chosenBackend, { force: true });
  } else {
    await replaceFile(files.chosenBackend, `${wanted}\n`, 0o600);
  }
  return backendOf(files);
}

/** The refusal of a backend: an address or a right that is wrong, a name that another computer has taken. */
export function notMade(name: string, { url }: Backend, said: string): TandemError {
  return new TandemError({
    code: "E_BACKEND",
    what: `stack ${name} could not be made in ${shownUrl(url)}`,
    why: `Pulumi says: ${said.trim() || "nothing"}`,
    fix: `correct ${VARIABLE} and what its backend wants of the environment, or unset it: the state is kept on this computer then`,
  });
}

/** Without a password that an address may hold (`postgres://user:password@…`). */
export function shownUrl(url: string): string {
  return url.replace(/(:\/\/[^:/@]*):[^@/]*@/, "$1:…@");
}

function elsewhere(name: string, url: string, wanted: string): TandemError {
  return new TandemError({
    code: "E_BACKEND",
    what: `stack ${name} cannot change its backend`,
    why: `its state is in ${shownUrl(url)}, and ${VARIABLE} is ${shownUrl(wanted)}: there Pulumi would know nothing of what exists`,
    fix: `unset ${VARIABLE}, then run the same command again; a stack that is made anew after \`tandem down\` goes where it says`,
  });
}
