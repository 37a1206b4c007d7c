import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { execa } from "execa";
import { ensureHostPrograms, HOST_PROGRAMS } from "../../src/machines/local/host-programs.ts";
import type { SshTarget } from "../../src/machines/server/target.ts";
import { freePort } from "./free-port.ts";

export interface TestSshd {
  target: SshTarget;
  folder: string;
  stop: () => Promise<void>;
}

/** A real sshd on a free port of 127.0.0.1, with keys of its own, for the user that runs the tests. */
export async function startSshd(): Promise<TestSshd> {
  const sshd = await findSshd();
  const folder = await mkdtemp(join(tmpdir(), "tandem-sshd-"));
  const at = (name: string) => join(folder, name);
  const port = await freePort();
  for (const key of ["host", "client"]) {
    await execa("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", `tandem test ${key}`, "-f", at(key)]);
  }
  await writeFile(at("authorized_keys"), await readFile(at("client.pub")), { mode: 0o600 });
  await writeFile(at("known_hosts"), `[127.0.0.1]:${port} ${await readFile(at("host.pub"), "utf8")}`);
  await writeFile(
    at("sshd_config"),
    [
      `ListenAddress 127.0.0.1:${port}`,
      `HostKey ${at("host")}`,
      `AuthorizedKeysFile ${at("authorized_keys")}`,
      "PidFile none",
      "UsePAM no",
      "StrictModes no",
      "PasswordAuthentication no",
      "KbdInteractiveAuthentication no",
      "PermitRootLogin prohibit-password",
      // What somebody's ~/.bashrc does is no part of a test, and can take a second of each command.
      `SetEnv HOME=${folder}`,
    ].join("\n"),
  );
  // Root's sshd separates its privileges in this empty folder, which a service unit would make.
  if (process.getuid?.() === 0) await mkdir("/run/sshd", { recursive: true, mode: 0o755 });
  const daemon = execa(sshd, ["-D", "-e", "-f", at("sshd_config")], { reject: false });
  await listening(daemon);
  return {
    target: {
      name: "gpu-a",
      address: "127.0.0.1",
      port,
      user: userInfo().username,
      identityFile: at("client"),
      knownHosts: at("known_hosts"),
    },
    folder,
    stop: async () => {
      daemon.kill();
      await daemon;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** sshd says on standard error when it listens. */
function listening(daemon: { stderr: Readable; then: Promise<unknown>["then"] }): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = "";
    daemon.stderr.on("data", (chunk) => {
      said += String(chunk);
      if (said.includes("Server listening")) resolve();
    });
    daemon.then(() => reject(new Error(`sshd ended before it listened:\n${said}`)), reject);
  });
}

async function findSshd(): Promise<string> {
  await ensureHostPrograms({ programs: { ...HOST_PROGRAMS, sshd: "openssh-server" } });
  // sshd starts itself anew for each connection and insists on its full path.
  return "/usr/sbin/sshd";
}
