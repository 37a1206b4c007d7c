import { readdirSync, readFileSync } from "node:fs";
import { beforeEach, expect, test } from "vitest";
import { openRemote, type Remote } from "../../../src/machines/server/remote.ts";
import { whileReachable } from "../../../src/machines/server/while-reachable.ts";
import { serverForTests } from "../../support/server-for-tests.ts";

const server = serverForTests();
let remote: Remote;

beforeEach(() => {
  remote = openRemote(server.sshd.target);
});

/** Processes of this sshd that do nothing but hold a connection. */
function holders(): string[] {
  const read = (pid: string, file: string) => {
    try {
      return readFileSync(`/proc/${pid}/${file}`, "utf8");
    } catch {
      return "";
    }
  };
  return readdirSync("/proc").filter(
    (pid) =>
      /^\d+$/.test(pid) &&
      read(pid, "cmdline").startsWith("sleep\0infinity") &&
      read(pid, "environ").includes(`HOME=${server.sshd.folder}`),
  );
}

const untilAborted = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(new Error("let go"))));

test("what is waited for comes, and nothing is left on the server", async () => {
  const waits = whileReachable(remote, () => expect.poll(holders).toHaveLength(1), { step: "gpu-a ready" });
  await waits;
  await expect.poll(holders).toEqual([]);
});

test("what it throws is thrown", async () => {
  const wait = () => Promise.reject(new Error("not ready"));
  await expect(whileReachable(remote, wait, { step: "gpu-a ready" })).rejects.toThrow("not ready");
  await expect.poll(holders).toEqual([]);
});

test("a connection that is lost ends the wait, and the server is named", async () => {
  const waits = whileReachable(remote, untilAborted, { step: "gpu-a ready" });
  const failed = expect(waits).rejects.toMatchObject({ code: "E_SSH_LOST", what: expect.stringContaining("gpu-a") });
  await expect.poll(holders).toHaveLength(1);
  await remote.close();
  await failed;
});

test("who cancels is told so", async () => {
  const cancel = new AbortController();
  const waits = whileReachable(remote, untilAborted, { step: "gpu-a ready", signal: cancel.signal });
  const failed = expect(waits).rejects.toThrow("let go");
  await expect.poll(holders).toHaveLength(1);
  cancel.abort();
  await failed;
  await expect.poll(holders).toEqual([]);
});
