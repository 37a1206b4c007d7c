import { TandemError } from "../errors.ts";

interface Failure {
  code?: unknown;
  message?: unknown;
  stderr?: unknown;
  all?: unknown;
}

/**
 * The refusal for a full disk, or undefined for any other error. Whatever failed for it (apt, Go, a file of ours) blames
 * something else as a rule, and its advice would not help.
 *
 * @param what the sentence that the message begins with
 * @param folder what must have room
 */
export function noSpace(error: unknown, what: string, folder: string): TandemError | undefined {
  const { code, message, stderr, all } = (error ?? {}) as Failure;
  const text = [message, stderr, all].filter((part) => typeof part === "string").join("\n");
  if (code !== "ENOSPC" && code !== "EDQUOT" && !/no space left on device|disk quota exceeded/i.test(text))
    return undefined;
  const line = text.split("\n").find((candidate) => /no space left|quota/i.test(candidate)) ?? String(code);
  return new TandemError({
    code: "E_NO_SPACE",
    what,
    why: `the disk of ${folder} is full (${line.trim().slice(0, 200)})`,
    fix: `make room (\`df -h ${folder}\`), or set TANDEM_HOME to a folder on a larger disk, then run the same command again`,
    cause: error,
  });
}
