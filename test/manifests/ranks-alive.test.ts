import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { RANKS_ALIVE } from "../../src/manifests/engine-probes.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tandem-proc-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs the probe in a shell over a /proc with these command lines. */
async function alive(cmdlines: readonly string[], ranks: number, shell = "/bin/sh"): Promise<boolean> {
  const proc = await mkdtemp(join(folder, "proc-"));
  for (const [pid, text] of cmdlines.entries()) {
    await mkdir(join(proc, String(pid + 1)));
    await writeFile(join(proc, String(pid + 1), "cmdline"), text);
  }
  // What else is in /proc, and a process that ends while it is looked at.
  await writeFile(join(proc, "meminfo"), "");
  await mkdir(join(proc, "99999"));
  const script = RANKS_ALIVE.replace("cd /proc", `cd '${proc}'`);
  const { exitCode, stderr } = await execa(shell, ["-c", script, "ranks-alive", String(ranks)], { reject: false });
  expect(stderr).toBe("");
  return exitCode === 0;
}

describe("a worker is ready while all its ranks live", () => {
  const launcher = ["/pause\0", "python3\0-m\0sglang.launch_server\0--tp-size\0" + "16\0"];
  // setproctitle overwrites the arguments and fills what is left with zeroes; the emulator's ranks keep theirs.
  const rank = (tp: number) => `sglang::scheduler_TP${tp}${"\0".repeat(200)}`;
  const ranks = (count: number) => Array.from({ length: count }, (_, index) => rank(8 + index));
  const others = ["sglang::detokenizer\0\0", "grep\0sglang::scheduler_TP8\0", "sglang::data_parallel_controller\0"];
  /** A process that has ended and was not yet waited for has no command line. */
  const zombie = "";

  test.each<[string, string[], boolean]>([
    ["eight of eight", [...launcher, ...ranks(8)], true],
    ["eight and others of the engine", [...launcher, ...ranks(8), ...others], true],
    [
      "titles with a DP rank, and the emulator's",
      ["sglang::scheduler_DP1_TP8_EP8\0", ...ranks(6), "sglang::scheduler_TP15\0/rank.sh\0"],
      true,
    ],
    ["seven", [...launcher, ...ranks(7), ...others], false],
    ["one a zombie", [...launcher, ...ranks(7), zombie], false],
    ["none", launcher, false],
    ["an empty /proc", [], false],
  ])("%s", async (_name, cmdlines, expected) => {
    expect(await alive(cmdlines, 8)).toBe(expected);
  });

  test("the shell of the released image says the same", async () => {
    expect(await alive([...launcher, ...ranks(8)], 8, "/bin/bash")).toBe(true);
    expect(await alive([...launcher, ...ranks(7), ...others], 8, "/bin/bash")).toBe(false);
  });

  test("a real process of this machine is seen", async () => {
    const rank = execa("/bin/sh", ["-c", "read -r _"], { argv0: "sglang::scheduler_TP0", reject: false });
    const probe = () => execa("/bin/sh", ["-c", RANKS_ALIVE, "ranks-alive", "1"], { reject: false });
    await expect.poll(async () => (await probe()).exitCode, { timeout: 20_000 }).toBe(0);
    rank.kill();
    await rank;
  });
});
