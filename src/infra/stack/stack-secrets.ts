import { randomBytes } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { stackDir } from "../../machines/home.ts";
import { writeOnce } from "./write-once.ts";

/**
 * What the parts of a stack show each other: clients to the gateway, gateway and reconciler to agents, operators to the gateway;
 * people to the reconciler's page, with a key that may switch over or one that may look only.
 */
const NAMES = {
  "api-key": "sk-tandem-",
  "agent-token": "",
  "admin-token": "",
  "dashboard-key": "dash-tandem-",
  "dashboard-view-key": "look-tandem-",
} as const;
/** Stacks of an earlier release have none until their next `tandem up`; nothing else needs them. */
const LATER: readonly string[] = ["dashboard-key", "dashboard-view-key"];

export type SecretName = keyof typeof NAMES;
export type StackSecrets = Record<SecretName, string>;

export function secretFile(stack: string, name: SecretName, home?: string): string {
  return join(stackDir(stack, home), "secrets", name);
}

/** Makes what is missing, at random, one file each with mode 0600. What was made once never changes by itself. */
export async function ensureStackSecrets(stack: string): Promise<void> {
  await mkdir(join(stackDir(stack), "secrets"), { recursive: true, mode: 0o700 });
  for (const [name, prefix] of Object.entries(NAMES)) {
    await writeOnce(secretFile(stack, name as SecretName), prefix + randomBytes(24).toString("base64url"));
  }
}

/** Undefined before the first `tandem up`. What an earlier release did not make is the empty text. */
export async function readStackSecrets(stack: string, home?: string): Promise<StackSecrets | undefined> {
  try {
    const names = Object.keys(NAMES) as SecretName[];
    const entries = names.map(async (name) => [name, (await read(secretFile(stack, name, home), name)).trim()]);
    return Object.fromEntries(await Promise.all(entries)) as StackSecrets;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function read(path: string, name: string): Promise<string> {
  return readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" && LATER.includes(name)) return "";
    throw error;
  });
}
