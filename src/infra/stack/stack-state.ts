import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { backendOf, isInitialized } from "./backend.ts";
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

/** Operations that a killed Pulumi had begun and not ended; none is known of in a backend of somebody else. */
export async function countPending(stack: string): Promise<number> {
  return (await readState(stack))?.checkpoint?.latest?.pending_operations?.length ?? 0;
}

/** Is there anything that `pulumi destroy` would have to take away? In a backend of somebody else there may be. */
export async function hasState(stack: string): Promise<boolean> {
  const files = stackFiles(stack);
  if (!backendOf(files).isOurs) return isInitialized(stack, files);
  const latest = (await readState(stack))?.checkpoint?.latest;
  return (latest?.resources?.length ?? 0) > 0 || (latest?.pending_operations?.length ?? 0) > 0;
}

/** Names of the local machines that Pulumi believes in; undefined where only Pulumi itself could say. */
export async function machinesInState(stack: string): Promise<string[] | undefined> {
  if (!backendOf(stackFiles(stack)).isOurs) return undefined;
  const resources = (await readState(stack))?.checkpoint?.latest?.resources ?? [];
  return resources.filter(({ type }) => type === LOCAL_MACHINE).map(({ urn }) => urn.split("::").at(-1) ?? "");
}
