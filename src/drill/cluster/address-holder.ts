import { readFile } from "node:fs/promises";
import { inspectContainer } from "../../machines/local/container.ts";
import type { Engine } from "../../machines/local/engine.ts";
import { containerName } from "../../machines/local/labels.ts";

/** The machine that has an IPv4 address now, of those named; null while none has it. Seen from outside, so that nothing on it is asked. */
export async function addressHolder(
  engine: Engine,
  stack: string,
  machines: readonly string[],
  address: string,
): Promise<string | null> {
  for (const machine of machines) {
    const container = await inspectContainer(engine.api, containerName(stack, machine));
    if (container === undefined || !container.State.Running) continue;
    const routes = await readFile(`/proc/${container.State.Pid}/net/fib_trie`, "utf8").catch(() => "");
    if (isLocal(routes, address)) return machine;
  }
  return null;
}

/** Whether the kernel's table of routes says that an address is the machine's own. Pure. */
export function isLocal(fibTrie: string, address: string): boolean {
  const lines = fibTrie.split("\n");
  return lines.some((line, at) => line.trim() === `|-- ${address}` && /\/32 host LOCAL/.test(lines[at + 1] ?? ""));
}
