import { randomBytes } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { BmcCredentials } from "../../infra/stack/bmc-credentials.ts";
import { writeOnce } from "../../infra/stack/write-once.ts";
import { stackDir } from "../../machines/home.ts";
import type { ServingPlan } from "../../plan/serving-plan.ts";
import { type KeyPair, selfSigned } from "./certificate.ts";

const USER = "root";
const KEY_BEGINS = "-----BEGIN PRIVATE KEY-----";
const TEN_YEARS_MS = 3_652 * 86_400_000;

/** Address of the emulated BMC by server, for those to which the spec of a local stack gives one. */
export function localBmcs({ spec }: ServingPlan): Record<string, string> {
  if (spec.provision.kind !== "local") return {};
  const found = Object.entries(spec.servers).flatMap(([name, { bmc }]) =>
    bmc === undefined ? [] : [[name, bmc.address]],
  );
  return Object.fromEntries(found);
}

/** Makes passwords, and one certificate for all of a stack's BMCs, where they are missing; each in a file with mode 0600. */
export async function ensureBmcCredentials(stack: string, bmcs: Readonly<Record<string, string>>): Promise<void> {
  const servers = Object.keys(bmcs);
  if (servers.length === 0) return;
  await mkdir(folderOf(stack), { recursive: true, mode: 0o700 });
  for (const server of servers) await writeOnce(passwordFile(stack, server), randomBytes(24).toString("base64url"));
  // Both in one file: a run that is killed leaves no half of a pair.
  const { cert, key } = selfSigned(`BMCs of ${stack}`, Object.values(bmcs), TEN_YEARS_MS);
  await writeOnce(pairFile(stack), cert + key);
}

/** What the reconciler is given to reach them; nothing before the first `tandem up`. */
export async function readLocalBmcs(
  stack: string,
  bmcs: Readonly<Record<string, string>>,
): Promise<Record<string, BmcCredentials>> {
  const pair = await readKeyPair(stack);
  if (pair === undefined) return {};
  const read = Object.keys(bmcs).map(async (server): Promise<[string, BmcCredentials]> => {
    return [server, { user: USER, password: await readFile(passwordFile(stack, server), "utf8"), ca: pair.cert }];
  });
  return Object.fromEntries(await Promise.all(read));
}

export async function readKeyPair(stack: string): Promise<KeyPair | undefined> {
  const text = await readFile(pairFile(stack), "utf8").catch(() => "");
  const end = text.indexOf(KEY_BEGINS);
  return end < 0 ? undefined : { cert: text.slice(0, end), key: text.slice(end) };
}

const folderOf = (stack: string) => join(stackDir(stack), "secrets");
const passwordFile = (stack: string, server: string) => join(folderOf(stack), `bmc-${server}`);
const pairFile = (stack: string) => join(folderOf(stack), "bmc-pair");
