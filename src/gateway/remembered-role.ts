import { mkdir, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { Logger } from "pino";
import { replaceFile } from "../machines/replace-file.ts";
import { RoleSchema } from "./role-schema.ts";
import type { Role, RoleSource } from "./roles.ts";

/**
 * The role that a file holds, for a replica that is started anew; null if there is none. A file that cannot be read is as good
 * as none: the siblings and the reconciler still tell theirs.
 */
export async function rememberedRole(path: string, log: Logger): Promise<Role | null> {
  try {
    return RoleSchema.parse(JSON.parse(await readFile(path, "utf8")));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT")
      log.warn({ path, error: String(error) }, "the role of the run before cannot be read");
    return null;
  }
}

/**
 * Writes each role to the file, the last one last. A disk that is full costs the memory and nothing else.
 *
 * @returns how to stop; resolves when nothing is being written any more
 */
export function rememberRoles(roles: RoleSource, path: string, log: Logger): () => Promise<void> {
  let writing = Promise.resolve();
  const write = async (role: Role): Promise<void> => {
    try {
      await mkdir(dirname(path), { recursive: true });
      await replaceFile(path, JSON.stringify(role));
    } catch (error) {
      log.warn({ path, error: String(error) }, "the role cannot be remembered");
    }
  };
  const stop = roles.watch((role) => {
    writing = writing.then(() => write(role));
  });
  return () => {
    stop();
    return writing;
  };
}
