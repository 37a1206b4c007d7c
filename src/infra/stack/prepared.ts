import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { stackDir } from "../../machines/home.ts";
import { replaceFile } from "../../machines/replace-file.ts";

/** What `tandem up` found or made on this computer before the update: programs, image archives, the machine image. */
export interface Prepared {
  /** Not for a cluster that is there already. */
  kubernetes?: { version: string; path: string; sha256: string };
  images: { references: string[]; path: string; sha256: string; on: ("control-plane" | "gpu")[] }[];
  /** Of a local stack. */
  machineImage?: string;
  /** Public half of a local stack's key. */
  authorizedKey?: string;
}

const fileOf = (stack: string) => join(stackDir(stack), "prepared.json");

/** Undefined before the first `tandem up`: a preview then shows what it does not know as unknown. */
export async function readPrepared(stack: string): Promise<Prepared | undefined> {
  try {
    return JSON.parse(await readFile(fileOf(stack), "utf8")) as Prepared;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

export async function writePrepared(stack: string, prepared: Prepared): Promise<void> {
  await mkdir(stackDir(stack), { recursive: true, mode: 0o700 });
  await replaceFile(fileOf(stack), `${JSON.stringify(prepared, null, 2)}\n`);
}
