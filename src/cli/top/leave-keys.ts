import type { ReadStream } from "node:tty";

const ESCAPE = String.fromCharCode(27);
/** What arrow and function keys send: a letter in there is nobody's `q`. */
const SEQUENCE = new RegExp(`${ESCAPE}(\\[[0-9;?]*[A-Za-z~]|O.)`, "g");
/** Ctrl-C is a letter here, since a terminal that shows no typed letters sends no signals either. */
const LEAVES = new RegExp(`[qQ${String.fromCharCode(3)}]`);

/**
 * Calls back when `q` or Ctrl-C is typed, or nobody can type any more. What is typed meanwhile is not shown, so that it does not
 * stand in the picture.
 *
 * @returns how to stop, after which the terminal takes letters as before
 */
export function leaveKeys(input: ReadStream, onLeave: () => void): () => void {
  if (!input.isTTY) return () => {};
  const read = (data: Buffer) => {
    if (LEAVES.test(data.toString("latin1").replaceAll(SEQUENCE, ""))) onLeave();
  };
  // A terminal that went away is an error of its input, and an error that nobody takes ends a program as a bug does.
  input.on("data", read).on("end", onLeave).on("error", onLeave);
  input.setRawMode(true);
  return () => {
    input.setRawMode(false);
    input.pause();
    input.off("data", read).off("end", onLeave);
  };
}
