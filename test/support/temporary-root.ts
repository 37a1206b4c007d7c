import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Names this folder to the workers. */
const NAME = "TANDEM_TEST_ROOT";

/**
 * Before any worker starts: one folder for the temporary files of the whole run, with a short name, because the path of a
 * Unix socket holds 107 characters. At the end it is taken away with what is still there: a file that is skipped, or whose
 * worker was killed, takes nothing away.
 */
export function setup(): (() => void) | undefined {
  if (process.env[NAME] !== undefined) return undefined;
  const root = mkdtempSync(join(tmpdir(), "t-"));
  process.env[NAME] = root;
  const remove = () => rmSync(root, { recursive: true, force: true });
  // Ctrl-C ends a run without its teardown.
  process.once("exit", remove);
  return () => {
    delete process.env[NAME];
    remove();
  };
}

/** Where the test files of this run may make their folders. */
export function temporaryRoot(): string {
  return process.env[NAME] ?? tmpdir();
}
