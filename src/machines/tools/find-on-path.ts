import { access, constants, open, realpath, stat } from "node:fs/promises";
import { delimiter, isAbsolute, join, sep } from "node:path";
import { execa } from "execa";
import { toolsDir } from "../home.ts";
import type { AcceptedOnPath } from "./catalogue.ts";

export type OnPath =
  | { kind: "accepted"; path: string; version: string; bytes: number }
  | { kind: "refused"; path: string; why: string }
  | { kind: "absent" };

/** The second line of every program that a stack puts on PATH (`src/infra/stack/stack-programs.ts`). */
export const STACK_PROGRAM = "# Made by tandem for one stack.";

/**
 * Looks for a program on PATH and asks it for its version. What `tandem env` puts there does not count: neither our own cache, nor
 * the programs of a stack, which would then call themselves for ever.
 */
export async function findOnPath(accepted: AcceptedOnPath, home?: string, signal?: AbortSignal): Promise<OnPath> {
  const path = await which(accepted.program, toolsDir(home));
  if (path === undefined) return { kind: "absent" };
  const { from, below } = accepted;
  const asked = await execa(path, accepted.versionArguments, {
    reject: false,
    timeout: 10_000,
    // A Go that fetches another Go, or a CLI that asks for updates, would answer for somebody else. Some vendors' kubectl asks
    // the cluster first which version to be, and leaves what it heard in the caller's home.
    env: { GOTOOLCHAIN: "local", PULUMI_SKIP_UPDATE_CHECK: "1", KUBECONFIG: "/dev/null" },
    ...(signal && { cancelSignal: signal }),
  });
  signal?.throwIfAborted();
  const version = /\d+\.\d+(\.\d+)?/.exec(asked.stdout)?.[0];
  if (asked.exitCode !== 0 || version === undefined) {
    return {
      kind: "refused",
      path,
      why: `${accepted.program} ${accepted.versionArguments.join(" ")} names no version`,
    };
  }
  if (!isBetween(version, from, below)) {
    return { kind: "refused", path, why: `it is ${version}; wanted ${from} or later, below ${below}` };
  }
  return { kind: "accepted", path, version, bytes: (await stat(path)).size };
}

/** Whether `from` ≤ `version` < `below`, number by number. */
export function isBetween(version: string, from: string, below: string): boolean {
  return compare(version, from) >= 0 && compare(version, below) < 0;
}

function compare(a: string, b: string): number {
  const [left, right] = [a, b].map((text) => text.split(".").map(Number));
  for (let at = 0; at < 3; at++) {
    const difference = (left?.[at] ?? 0) - (right?.[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

async function which(program: string, ours: string): Promise<string | undefined> {
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    if (!isAbsolute(folder)) continue;
    const path = join(folder, program);
    try {
      await access(path, constants.X_OK);
      if ((await realpath(path)).startsWith(ours + sep) || (await isOfStack(path))) continue;
      return path;
    } catch {
      // Not here: the next folder.
    }
  }
  return undefined;
}

async function isOfStack(path: string): Promise<boolean> {
  const head = Buffer.alloc(64);
  const file = await open(path);
  try {
    await file.read(head, 0, head.length, 0);
  } finally {
    await file.close();
  }
  return head.toString("latin1").split("\n")[1] === STACK_PROGRAM;
}
