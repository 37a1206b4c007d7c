import { randomBytes } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { withLock } from "../../machines/lock.ts";
import { replaceFile } from "../../machines/replace-file.ts";
import { parseKubeconfig } from "../../machines/server/kubeconfig.ts";
import type { Owner } from "../../machines/server/server-owner.ts";
import type { Operation } from "../provider/resource-type.ts";
import { stackFiles } from "../stack/stack-files.ts";

/**
 * The stack of an operation, as what its servers say is compared with. The cluster's CA is the one that its kubeconfig names
 * unless the caller knows better.
 *
 * @param known whether the server is in the stack's state, as it is in everything but a create
 */
export async function ownerOf(
  { urn, signal }: Operation,
  { known, caHash }: { known: boolean; caHash?: string },
): Promise<Owner> {
  const stack = /^urn:pulumi:([^:]+)::/.exec(urn)?.[1];
  if (stack === undefined) throw new Error(`${urn} names no stack`);
  const { dir, kubeconfig } = stackFiles(stack);
  return { mark: `${stack} ${await idOf(dir, signal)}`, caHash: caHash ?? (await caHashIn(kubeconfig)), known };
}

/** Made at random when the stack's first server is looked at. Several are at once: one writer at a time. */
async function idOf(dir: string, signal: AbortSignal): Promise<string> {
  const file = join(dir, "id");
  const read = () => readFile(file, "utf8").catch(() => "");
  const before = await read();
  if (before !== "") return before.trim();
  await mkdir(dir, { recursive: true, mode: 0o700 });
  return withLock(`${file}.lock`, signal, async () => {
    const there = await read();
    if (there !== "") return there.trim();
    const id = randomBytes(8).toString("hex");
    await replaceFile(file, `${id}\n`, 0o600);
    return id;
  });
}

async function caHashIn(kubeconfig: string): Promise<string | undefined> {
  try {
    return parseKubeconfig(await readFile(kubeconfig, "utf8")).caHash;
  } catch {
    // None yet, lost or spoiled: it speaks neither for nor against a server, and a `down` must not end at it.
    return undefined;
  }
}
