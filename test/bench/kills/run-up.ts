import { join } from "node:path";
import { execa } from "execa";
import { type Boundary, boundaryOf } from "./boundary.ts";

/** A run that was struck may wait for what is gone, but has to end. */
const RUN_MS = 400_000;
const root = join(import.meta.dirname, "../../..");
const main = join(root, "src/cli/main.ts");

export interface Ran {
  /** Undefined for a command that was killed. */
  exitCode: number | undefined;
  text: string;
  seconds: number;
  /** Where it was struck. */
  struck: Boundary | undefined;
}

/**
 * Runs `tandem up` and strikes once.
 *
 * @param wants whether to strike at this boundary
 * @param strike what then happens, with the command's process id
 */
export async function runUp(
  spec: string,
  wants: (boundary: Boundary) => boolean,
  strike: (boundary: Boundary, pid: number) => Promise<void>,
): Promise<Ran> {
  const began = performance.now();
  const options = { cwd: root, all: true, reject: false, stdin: "ignore", timeout: RUN_MS } as const;
  const child = execa(process.execPath, [main, "up", spec], options);
  let struck: Boundary | undefined;
  let done: Promise<void> | undefined;
  let part = "";
  child.all.on("data", (bytes: Buffer) => {
    const lines = (part + bytes).split("\n");
    part = lines.pop() ?? "";
    for (const line of lines) {
      const boundary = boundaryOf(line);
      if (struck !== undefined || boundary === null || !wants(boundary)) continue;
      struck = boundary;
      done = strike(boundary, child.pid ?? 0);
    }
  });
  const { exitCode, all } = await child;
  await done;
  return { exitCode, text: String(all), seconds: (performance.now() - began) / 1000, struck };
}
