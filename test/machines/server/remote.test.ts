import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { chmod, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { TandemError } from "../../../src/errors.ts";
import { openRemote, type Remote } from "../../../src/machines/server/remote.ts";
import type { SshTarget } from "../../../src/machines/server/target.ts";
import { upload } from "../../../src/machines/server/upload.ts";
import { freePort } from "../../support/free-port.ts";
import { serverForTests } from "../../support/server-for-tests.ts";
import type { TestSshd } from "../../support/sshd.ts";

const server = serverForTests();
let sshd: TestSshd;
let remote: Remote;
let home: string;

beforeAll(() => {
  ({ sshd, home } = server);
  remote = openRemote(sshd.target);
});
afterAll(() => remote.close());

async function failure(promise: Promise<unknown>): Promise<TandemError> {
  return promise.then(
    (value) => {
      throw new Error(`expected a failure, got ${JSON.stringify(value)}`);
    },
    (error) => error as TandemError,
  );
}

describe("run", () => {
  test("feeds a script and its input, and gives what it printed", async () => {
    const script = 'printf "%s:" "$greeting"; cat';
    expect(await remote.run(script, { input: "a\nb\n", values: { greeting: "it's $HOME" } })).toBe("it's $HOME:a\nb\n");
  });

  test("an input that is not read does not block the end", async () => {
    expect(await remote.run("echo done", { input: randomBytes(3_000_000) })).toBe("done\n");
  });

  test("a failing command is named with its exit code, its line and what it said", async () => {
    const script = 'true\nsecret=$(cat)\nls "/no/such/$secret"';
    const error = await failure(
      remote.run(script, { step: "list the folder", input: "hunter22", secrets: ["hunter22"] }),
    );
    expect(error.code).toBe("E_REMOTE");
    expect(error.what).toBe("gpu-a: list the folder failed");
    expect(error.why).toContain('`ls "/no/such/$secret"` (line 3) ended with exit code 2');
    expect(error.why).toContain("No such file or directory");
    expect(error.message).not.toContain("hunter22");
    expect(error.fix).toContain("`tandem up`");
  });

  test("an unset variable and a failure inside a pipe stop the script", async () => {
    expect((await failure(remote.run('echo "$nothing"'))).code).toBe("E_REMOTE");
    expect((await failure(remote.run("false | cat; echo on"))).why).toContain("exit code 1");
  });

  test("a script's own exit code 255 is not taken for ssh's", async () => {
    expect((await failure(remote.run("exit 255"))).why).toContain("exit code 254");
  });

  test("asks a question: 0 is yes, 1 is no, 2 is a failure", async () => {
    expect(await remote.test("true")).toBe(true);
    expect(await remote.test("[ 1 = 2 ]")).toBe(false);
    expect((await failure(remote.test("exit 2"))).code).toBe("E_REMOTE");
  });

  test("many commands at once share one connection", async () => {
    // The address and ports of the connection that a command came through.
    const connections = await Promise.all(
      Array.from({ length: 20 }, () => remote.run('tr "\\0" "\\n" < /proc/$PPID/environ | grep ^SSH_CONNECTION=')),
    );
    expect(new Set(connections).size).toBe(1);
  });
});

/** The socket of the shared connection: the only one in our home. */
async function socket(): Promise<string> {
  const [name] = await readdir(join(home, "ssh"));
  return join(home, "ssh", name ?? "none");
}

test("the folder of the sockets is closed to others and paths are short enough", async () => {
  await remote.run(":");
  expect((await stat(join(home, "ssh"))).mode & 0o777).toBe(0o700);
  expect((await socket()).length).toBeLessThan(90);
});

describe("stopping", () => {
  const sleeper = (file: string) => `echo $$ > ${file}; sleep 300; echo never`;

  async function started(file: string): Promise<number> {
    for (;;) {
      const text = await readFile(file, "utf8").catch(() => "");
      if (text.endsWith("\n")) return Number(text);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async function ended(pid: number): Promise<boolean> {
    for (let i = 0; i < 200; i += 1) {
      if (!existsSync(`/proc/${pid}`)) return true;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return false;
  }

  test("an abort ends what the script started on the server", async () => {
    const file = join(home, "abort");
    const controller = new AbortController();
    const running = failure(remote.run(sleeper(file), { step: "a long step", signal: controller.signal }));
    const pid = await started(file);
    controller.abort();
    const error = await running;
    expect(error.code).toBe("E_CANCELLED");
    expect(await ended(pid)).toBe(true);
  });

  test("a time limit does the same and says so", async () => {
    const file = join(home, "limit");
    // Long enough for the script to begin on a busy machine: a login alone can take a second there.
    const error = await failure(remote.run(sleeper(file), { step: "a long step", timeoutMs: 4_000 }));
    expect(error).toMatchObject({ code: "E_REMOTE_TIMEOUT", why: "it did not end within 4 s" });
    expect(await ended(await started(file))).toBe(true);
  });

  test("kill -9 of the local ssh ends the remote side", async () => {
    const file = join(home, "kill");
    const child = execa(
      process.execPath,
      [
        "--input-type=module-typescript",
        "-e",
        `import { openRemote } from ${JSON.stringify(join(process.cwd(), "src/machines/server/remote.ts"))};
         await openRemote(${JSON.stringify(sshd.target)}).run(${JSON.stringify(sleeper(file))});`,
      ],
      { reject: false },
    );
    const pid = await started(file);
    child.kill("SIGKILL");
    await child;
    expect(await ended(pid)).toBe(true);
  });
});

describe("upload", () => {
  test("sends a file once, checks it, and leaves it alone the second time", async () => {
    const from = join(home, "from");
    const to = join(home, "deep/er/to");
    await writeFile(from, randomBytes(2_500_000));
    let sent = 0;
    expect(
      await upload(remote, from, to, {
        mode: "0755",
        onProgress: (bytes) => {
          sent = bytes;
        },
      }),
    ).toBe("sent");
    expect(sent).toBe(2_500_000);
    expect(Buffer.compare(await readFile(from), await readFile(to))).toBe(0);
    const before = await stat(to);
    expect(before.mode & 0o777).toBe(0o755);
    expect(await upload(remote, from, to)).toBe("present");
    expect((await stat(to)).mtimeMs).toBe(before.mtimeMs);
  });

  test("a wrong checksum is refused and leaves nothing behind", async () => {
    const from = join(home, "from");
    const to = join(home, "refused/file");
    const error = await failure(upload(remote, from, to, { sha256: "0".repeat(64) }));
    expect(error.code).toBe("E_UPLOAD_CHECKSUM");
    expect((await execa("find", [join(home, "refused")], { reject: false })).stdout).not.toContain("file");
  });

  test("a full disk is named", async () => {
    const from = join(home, "from");
    const error = await failure(upload(remote, from, "/dev/full/impossible"));
    expect(error.code).toBe("E_REMOTE");
  });
});

describe("what stops ssh itself", () => {
  const rows: [name: string, change: (target: SshTarget) => Promise<Partial<SshTarget>>, code: string, says: RegExp][] =
    [
      [
        "a wrong key",
        async () => {
          const identityFile = join(home, "wrong-key");
          await execa("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", identityFile]);
          return { identityFile };
        },
        "E_SSH_KEY",
        /does not accept the key .*wrong-key for user/,
      ],
      [
        "a missing key file",
        async () => ({ identityFile: "/no/such/key" }),
        "E_SSH_KEY_FILE",
        /no\/such\/key cannot be used/,
      ],
      [
        "a key file that others can read",
        async (target) => {
          const identityFile = join(home, "open-key");
          await writeFile(identityFile, await readFile(target.identityFile));
          await chmod(identityFile, 0o644);
          return { identityFile };
        },
        "E_SSH_KEY_FILE",
        /open-key cannot be used/,
      ],
      [
        "a changed host key",
        async (target) => {
          const knownHosts = join(home, "changed");
          const other = join(home, "other-host");
          await execa("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", other]);
          await writeFile(knownHosts, `[127.0.0.1]:${target.port} ${await readFile(`${other}.pub`, "utf8")}`);
          return { knownHosts };
        },
        "E_SSH_HOST_CHANGED",
        /shows another host key than the one pinned in .*changed/,
      ],
      ["an unknown host key", async () => ({ knownHosts: "/dev/null" }), "E_SSH_HOST_UNKNOWN", /no host key is pinned/],
      [
        "a port where nothing listens",
        async () => ({ port: await freePort() }),
        "E_SSH_REFUSED",
        /nothing listens on port/,
      ],
      [
        "a name without an address",
        async () => ({ address: "gpu-a.invalid" }),
        "E_SSH_DNS",
        /gpu-a\.invalid has no address/,
      ],
    ];

  test.each(rows)("%s", async (_name, change, code, says) => {
    const other = openRemote({ ...sshd.target, ...(await change(sshd.target)) });
    const error = await failure(other.run("true"));
    expect(error.code).toBe(code);
    expect(error.why).toMatch(says);
    expect(error.fix.length).toBeGreaterThan(20);
    await other.close();
  });
});
