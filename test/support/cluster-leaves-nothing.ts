import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";

/** Folders that only tests on a cluster make, and there is one such run at a time. */
const OURS = /^tandem-(gate|server|owner)-/;
const ours = () => readdirSync(tmpdir()).filter((name) => OURS.test(name));

/**
 * Before and after the tests on a cluster. They share the temporary folder of the computer: the container daemon that the
 * first of them starts keeps it for all.
 */
export function setup(): () => void {
  const before = new Set(ours());
  return () => {
    const left = ours().filter((name) => !before.has(name));
    if (left.length === 0) return;
    process.stderr.write(`left in ${tmpdir()}: ${left.join(", ")}; whoever makes a folder there takes it away\n`);
    process.exitCode = 1;
  };
}
