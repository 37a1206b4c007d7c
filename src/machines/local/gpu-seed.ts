import { createHash } from "node:crypto";

/** What the ids of a machine's emulated GPUs are cut from: 64 hex digits, a function of its name. */
export function gpuSeed(machine: string): string {
  return createHash("sha256").update(machine).digest("hex");
}
