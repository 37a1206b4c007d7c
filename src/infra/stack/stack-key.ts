import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { stackDir } from "../../machines/home.ts";
import { LOCAL_KEY_FILE } from "../../machines/server/targets.ts";
import { isMade, writeOnce } from "./write-once.ts";

/**
 * The key that opens a local stack's machines, made at the first call; answers its public half. That one is written last:
 * until it is there no machine has heard of the key, and each kill before it is mended by the next call.
 */
export async function ensureStackKey(stack: string): Promise<string> {
  const path = join(stackDir(stack), LOCAL_KEY_FILE);
  if (!(await isMade(`${path}.pub`))) {
    await mkdir(stackDir(stack), { recursive: true, mode: 0o700 });
    await writeOnce(`${path}.pub`, (await publicHalf(path)) ?? (await newKey(path)));
  }
  return (await readFile(`${path}.pub`, "utf8")).trim();
}

/** Undefined where there is no private key, or half of one. */
async function publicHalf(path: string): Promise<string | undefined> {
  // With an empty passphrase: a key that wants another one is not ours, and nobody could be asked.
  const { exitCode, stdout } = await execa("ssh-keygen", ["-y", "-P", "", "-f", path], { reject: false });
  return exitCode === 0 && stdout.trim() !== "" ? `${stdout.trim()}\n` : undefined;
}

/** Made beside its place: over what a kill has left there, ssh-keygen would ask before it writes, and there is nobody to ask. */
async function newKey(path: string): Promise<string> {
  const folder = await mkdtemp(`${path}.`);
  const fresh = join(folder, "key");
  try {
    await execa("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", fresh]);
    await rm(path, { force: true });
    await writeOnce(path, await readFile(fresh, "utf8"));
    return await readFile(`${fresh}.pub`, "utf8");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
