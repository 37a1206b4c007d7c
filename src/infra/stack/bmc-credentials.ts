import { X509Certificate } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, resolve } from "node:path";
import { TandemError } from "../../errors.ts";
import type { ClusterSpec } from "../../spec/schema.ts";

export interface BmcCredentials {
  user: string;
  password: string;
  /** PEM of who signed its certificate. */
  ca?: string;
  /** SHA-256 of its certificate. */
  fingerprint?: string;
}

/**
 * Reads `user:password`, and the signer of its certificate where one is named, for every server whose spec names
 * `bmc.secretFile`.
 *
 * @param file path of the spec: files in it are relative to its folder
 * @throws TandemError E_BMC_SECRET when a file is missing, open to others, or holds something else
 */
export function readBmcCredentials(
  { servers }: Pick<ClusterSpec, "servers">,
  file: string,
): Record<string, BmcCredentials> {
  const pathOf = (path: string) => resolve(dirname(file), path.replace(/^~\//, `${homedir()}/`));
  const read = Object.entries(servers).flatMap(([name, { bmc }]): [string, BmcCredentials][] => {
    if (bmc?.secretFile === undefined) return [];
    const { caFile, fingerprint } = bmc;
    const known = readOne(name, pathOf(bmc.secretFile));
    return [
      [
        name,
        {
          ...known,
          ...(caFile === undefined ? {} : { ca: readCa(name, pathOf(caFile)) }),
          ...(fingerprint === undefined ? {} : { fingerprint }),
        },
      ],
    ];
  });
  return Object.fromEntries(read);
}

function refusal(server: string): (why: string, fix: string, cause?: unknown) => TandemError {
  return (why, fix, cause) =>
    new TandemError({ code: "E_BMC_SECRET", what: `the BMC of ${server} cannot be used`, why, fix, cause });
}

function readCa(server: string, path: string): string {
  const fix = "put the certificate there in PEM, or name `bmc.fingerprint` instead";
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw refusal(server)(`${path} cannot be read: ${(cause as NodeJS.ErrnoException).code}`, fix, cause);
  }
  try {
    // Read here, so that a wrong file is refused now and not at three in the morning.
    new X509Certificate(text);
  } catch (cause) {
    throw refusal(server)(`${path} holds no certificate`, fix, cause);
  }
  return text;
}

function readOne(server: string, path: string): BmcCredentials {
  const refused = refusal(server);
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
