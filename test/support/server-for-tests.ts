import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll } from "vitest";
import { startSshd, type TestSshd } from "./sshd.ts";

/** A server that the tests of a file reach over SSH, and a TANDEM_HOME of their own; there from `beforeAll` on. */
export function serverForTests(): { sshd: TestSshd; home: string } {
  const server = {} as { sshd: TestSshd; home: string };
  beforeAll(async () => {
    server.sshd = await startSshd();
    server.home = await mkdtemp(join(tmpdir(), "tandem-home-"));
    process.env.TANDEM_HOME = server.home;
  }, 120_000);
  afterAll(async () => {
    const sockets = join(server.home, "ssh");
    // A connection lives on for 30 s after its last command, also one of a process that was killed.
    for (const name of await readdir(sockets))
      await execa("ssh", ["-O", "exit", "-o", `ControlPath=${join(sockets, name)}`, "gpu-a"], { reject: false });
    await server.sshd.stop();
    delete process.env.TANDEM_HOME;
    await rm(server.home, { recursive: true, force: true });
  });
  return server;
}
