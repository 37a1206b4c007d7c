import { rename, rm } from "node:fs/promises";
import { z } from "zod";
import { TandemError } from "../../errors.ts";
import type { Remote } from "./remote.ts";
import { changing, script } from "./script.ts";
import { sha256File, upload } from "./upload.ts";

export interface EtcdSnapshot {
  file: string;
  bytes: number;
  sha256: string;
  revision: number;
  keys: number;
}

const Status = z.object({ revision: z.number(), totalKey: z.number() });
const ON_SERVER = "/var/lib/tandem/etcd/snapshot";
const TIMEOUT_MS = 300_000;

interface Options {
  signal?: AbortSignal | undefined;
}

/**
 * Saves everything the cluster knows into a local file (mode 0600: it holds the cluster's secrets).
 *
 * @param remote the control plane's server
 * @throws E_ETCD_SNAPSHOT if the file that arrived is not the one that was made
 */
export async function snapshotEtcd(remote: Remote, file: string, { signal }: Options = {}): Promise<EtcdSnapshot> {
  const options = { step: "etcd snapshot", timeoutMs: TIMEOUT_MS, ...(signal ? { signal } : {}) };
  const text = await remote.run(changing(script("etcd-lib") + script("etcd-snapshot")), options);
  const [sha256 = "", bytes = "", status = ""] = text.split("\n");
  const part = `${file}.part`;
  try {
    await remote.run(`cat ${ON_SERVER}; rm -r /var/lib/tandem/etcd`, { ...options, outputFile: part });
    const arrived = await sha256File(part);
    if (arrived !== sha256) {
      throw new TandemError({
        code: "E_ETCD_SNAPSHOT",
        what: `${file} was not written`,
        why: `the snapshot arrived with SHA-256 ${arrived}, it was made with ${sha256}`,
        fix: "check the free disk space here, and run the same command again",
      });
    }
    await rename(part, file);
  } finally {
    await rm(part, { force: true });
  }
  const { revision, totalKey } = Status.parse(JSON.parse(status));
  return { file, bytes: Number(bytes), sha256, revision, keys: totalKey };
}

/**
 * Puts a snapshot in the place of what the cluster knows. The API server is away for about half a minute; running pods
 * go on. If anything fails before the data are swapped, the cluster is as it was.
 */
export async function restoreEtcd(remote: Remote, file: string, { signal }: Options = {}): Promise<void> {
  const options = { step: "etcd restore", timeoutMs: TIMEOUT_MS, ...(signal ? { signal } : {}) };
  // The file is looked at before anything is stopped; a look is all that a broken one gets.
  await upload(remote, file, ON_SERVER, { mode: "0600", ...(signal ? { signal } : {}) });
  await remote.run(changing(script("etcd-lib") + script("etcd-restore")), options);
}
