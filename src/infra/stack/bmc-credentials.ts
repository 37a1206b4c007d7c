import { readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, resolve } from "node:path";
import { TandemError } from "../../errors.ts";
import type { ClusterSpec } from "../../spec/schema.ts";

export interface BmcCredentials {
  user: string;
  password: string;
}

/**
 * Reads `user:password` for every server whose spec names `bmc.secretFile`.
 *
 * @param file path of the spec: files in it are relative to its folder
 * @throws TandemError E_BMC_SECRET when a file is missing, open to others, or holds something else
 */
export function readBmcCredentials(
  { servers }: Pick<ClusterSpec, "servers">,
  file: string,
): Record<string, BmcCredentials> {
  const named = Object.entries(servers).flatMap(([name, { bmc }]) =>
    bmc?.secretFile === undefined ? [] : [[name, bmc.secretFile] as const],
  );
  return Object.fromEntries(
    named.map(([name, path]) => {
      const absolute = resolve(dirname(file), path.replace(/^~\//, `${homedir()}/`));
      return [name, readOne(name, absolute)];
    }),
  );
}

function readOne(server: string, path: string): BmcCredentials {
  const refused = (why: string, fix: string, cause?: unknown) =>
    new TandemError({ code: "E_BMC_SECRET", what: `the BMC of ${server} cannot be used`, why, fix, cause });
  let mode: number;
  let text: string;
  try {
    mode = statSync(path).mode;
    text = readFileSync(path, "utf8");
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw refused(`${path} cannot be read: ${code}`, `put \`user:password\` there, or take bmc.secretFile out`, cause);
  }
  if ((mode & 0o077) !== 0) throw refused(`others may read ${path}`, `run: chmod 600 ${path}`);
  // A password may hold colons.
  const [, user, password] = /^([^:\s]+):(.+)\n?$/.exec(text) ?? [];
  if (user === undefined || password === undefined)
    throw refused(`${path} does not hold one line of \`user:password\``, `write it there as the BMC knows them`);
  return { user, password };
}
