import { createHash } from "node:crypto";
import { chmodSync, lstatSync, mkdirSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { TandemError } from "../../errors.ts";
import { tandemHome } from "../home.ts";
import type { SshTarget } from "./target.ts";

// A Unix socket's path holds 107 characters, and ssh binds it under a name 17 characters longer first.
const MAX_PATH = 107 - 17;

/**
 * Where the socket of the shared connection to a server lies: in a folder that only we can enter. The name hangs on
 * everything that decides who may connect, and on our process, so that no run ever uses a connection that another key
 * opened. Creates the folder (mode 0700).
 *
 * @throws E_SSH_SOCKET_FOLDER if the folder belongs to somebody else or is a link
 */
export function controlPath(target: SshTarget, home: string = tandemHome()): string {
  const name = createHash("sha256")
    .update([process.pid, ...Object.values(target)].join("\0"))
    .digest("hex")
    .slice(0, 16);
  const preferred = join(home, "ssh");
  const folder =
    preferred.length + 1 + name.length <= MAX_PATH ? preferred : join(tmpdir(), `tandem-ssh-${userInfo().uid}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { uid } = userInfo();
  const found = lstatSync(folder);
  if (!found.isDirectory() || found.uid !== uid) {
    throw new TandemError({
      code: "E_SSH_SOCKET_FOLDER",
      what: `cannot keep SSH connections in ${folder}`,
      why: found.isDirectory() ? `it belongs to user ${found.uid}, not to us (${uid})` : "it is not a folder",
      fix: `remove ${folder}, or set TANDEM_HOME to a folder of your own, and run the same command again`,
    });
  }
  if ((found.mode & 0o077) !== 0) chmodSync(folder, 0o700);
  return join(folder, name);
}
