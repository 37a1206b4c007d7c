import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { stackFiles } from "./stack-files.ts";

/** The token of `src/infra/resources/local-machine.ts`, which this module must not load for one word. */
const LOCAL_MACHINE = "tandem:index:LocalMachine";

interface Checkpoint {
  checkpoint?: {
    latest?: { resources?: { type: string; urn: string }[]; pending_operations?: { type: string }[] };
  };
}

/** What Pulumi has stored about a stack, read from the file backend as it is; undefined if it never ran. */
async function readState(stack: string): Promise<Checkpoint | undefined> {
  const file = join(stackFiles(stack).backend, ".pulumi", "stacks", "tandem", `${stack}.json`);
  const text = await readFile(file, "utf8").catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as Checkpoint);
}

/** Operations that a killed Pulumi had begun and not ended. */
export async function countPending(stack: string): Promise<number> {
  return (await readState(stack))?.checkpoint?.latest?.pending_operations?.length ?? 0;
}

/** Is there anything that `pulumi destroy` would have to take away? */
export async function hasState(stack: string): Promise<boolean> {
  const latest = (await readState(stack))?.checkpoint?.latest;
  return (latest?.resources?.length ?? 0) > 0 || (latest?.pending_operations?.length ?? 0) > 0;
}

/** Names of the local machines that Pulumi believes in. */
export async function machinesInState(stack: string): Promise<string[]> {
  const resources = (await readState(stack))?.checkpoint?.latest?.resources ?? [];
  return resources.filter(({ type }) => type === LOCAL_MACHINE).map(({ urn }) => urn.split("::").at(-1) ?? "");
}
