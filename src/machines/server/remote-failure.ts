import { TandemError } from "../../errors.ts";
import { redact } from "./redact.ts";
import { readFailure } from "./remote-wrapper.ts";
import { describeTarget, type SshTarget } from "./target.ts";

/** Lines of standard error that an error quotes; the cause is nearly always in the last few. */
const TAIL_LINES = 16;

/** The error for a script that ran and failed: which command, with which exit code, saying what, and how to go on. */
export function remoteFailure(
  where: { target: SshTarget; resume: string },
  { step, secrets = [] }: { step?: string; secrets?: readonly string[] },
  code: number,
  stderr: string,
): TandemError {
  const { failed, text } = readFailure(stderr);
  const tail = redact(text, secrets).split("\n").slice(-TAIL_LINES).join("\n    ");
  const command = failed ? `\`${redact(failed.command, secrets)}\` (line ${failed.line})` : "the script";
  const sudo = where.target.user !== "root" && /sudo: .*password|not in the sudoers/i.test(text);
  return new TandemError({
    code: sudo ? "E_SUDO" : "E_REMOTE",
    what: `${where.target.name}: ${step ?? "a command"} failed`,
    why: `${command} ended with exit code ${code} on ${describeTarget(where.target)}${tail === "" ? ", without a word" : `, saying:\n    ${tail}`}`,
    fix: sudo
      ? `let ${where.target.user} run sudo without a password on this server, or use root in provision.user, then run \`${where.resume}\``
      : `remove the cause on the server, then run \`${where.resume}\`: steps that are done are skipped`,
  });
}
