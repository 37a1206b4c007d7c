import { runHelper } from "../gpus/run-helper.ts";

export interface Room {
  freeBytes: number;
  totalBytes: number;
}

/** `df -P -k PATH`: a program of its own, because a look at a dead network file system never comes back. */
export async function diskRoom(
  command: readonly string[],
  path: string,
  timeoutMs: number,
): Promise<{ room: Room } | { trouble: "hung" | "failed" | "no-path"; why: string }> {
  const result = await runHelper([...command, "-P", "-k", path], timeoutMs);
  if (result.kind === "hung") return { trouble: "hung", why: `df ${path}: no answer in ${timeoutMs} ms` };
  if (result.kind === "failed") return { trouble: "failed", why: `df ${path}: ${result.why}` };
  const room = parseDf(result.output);
  if (room !== null) return { room };
  const trouble = /no such file/i.test(result.output) ? "no-path" : "failed";
  return { trouble, why: `df ${path}: ${result.output.trim().slice(0, 200)}` };
}

/** The last line of POSIX output: file system, 1024-byte blocks, used, available, capacity, mounted on. */
export function parseDf(output: string): Room | null {
  const match = /\s(\d+)\s+\d+\s+(-?\d+)\s+-?\d+%\s/.exec(output.trim().split("\n").at(-1) ?? "");
  if (match === null) return null;
  return { totalBytes: Number(match[1]) * 1024, freeBytes: Math.max(0, Number(match[2])) * 1024 };
}

/** `MemAvailable` of `/proc/meminfo`: what programs could take without anything being pushed to disk. */
export function parseMeminfo(text: string): { availableBytes: number; totalBytes: number } | null {
  const read = (name: string) => new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)?.[1];
  const [available, total] = [read("MemAvailable"), read("MemTotal")];
  if (available === undefined || total === undefined) return null;
  return { availableBytes: Number(available) * 1024, totalBytes: Number(total) * 1024 };
}
