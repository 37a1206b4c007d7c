import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ensureHostPrograms, missingPrograms } from "../../../src/machines/local/host-programs.ts";
import { usedSubnets } from "../../../src/machines/local/routes.ts";

// A PATH of our own with an apt-get that only writes down what it was asked for.
describe.skipIf(process.getuid?.() !== 0)("programs of this computer", () => {
  const path = process.env.PATH;
  let folder: string;
  const program = (name: string, body: string) => {
    writeFileSync(join(folder, name), `#!/bin/sh\n${body}\n`);
    chmodSync(join(folder, name), 0o755);
  };
  const asked = () => readFileSync(join(folder, "asked"), "utf8").trim().split("\n");
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "tandem-path-"));
    process.env.PATH = folder;
  });
  afterEach(() => {
    process.env.PATH = path;
    rmSync(folder, { recursive: true, force: true });
  });

  test("nothing is installed where all is there", async () => {
    for (const name of ["ssh", "ssh-keygen", "ip"]) program(name, "exit 0");
    program("apt-get", "exit 9");
    expect(await ensureHostPrograms()).toEqual([]);
  });

  test("each missing package is asked for once, with fresh lists when the first try fails", async () => {
    program("ip", "exit 0");
    // Fails until the lists were read, as on a fresh image.
    program(
      "apt-get",
      `echo "$*" >> ${folder}/asked\n[ "$1" = update ] && : > ${folder}/lists\n[ -e ${folder}/lists ]`,
    );
    expect(await missingPrograms(["ssh", "ip"])).toEqual(["ssh"]);
    expect(await ensureHostPrograms()).toEqual(["openssh-client"]);
    expect(asked()).toEqual([
      "install -y -qq --no-install-recommends openssh-client",
      "update -qq",
      "install -y -qq --no-install-recommends openssh-client",
    ]);
  });

  test("whoever says no gets nothing installed, and hears what to install", async () => {
    for (const name of ["ssh", "ssh-keygen"]) program(name, "exit 0");
    program("apt-get", `echo "$*" >> ${folder}/asked`);
    const questions: string[] = [];
    const agree = async (question: string) => questions.push(question) === 0;
    await expect(ensureHostPrograms({ agree })).rejects.toMatchObject({
      code: "E_HOST_PROGRAMS",
      fix: "install iproute2, and run the same command again",
    });
    expect(questions).toEqual(["this computer lacks ip: iproute2 will be installed with apt\n"]);
    expect(asked).toThrow(/ENOENT/);
  });

  test("routes say what they lack", async () => {
    await expect(usedSubnets()).rejects.toMatchObject({
      code: "E_HOST_PROGRAMS",
      fix: "install iproute2, and run the same command again",
    });
  });

  test.each([
    ["no apt-get", undefined, /no apt-get here/],
    ["an apt-get that fails", "echo 'E: no such package' >&2; exit 100", /apt-get failed: E: no such package/],
  ])("%s: says what to install", async (_name, apt, why) => {
    if (apt !== undefined) program("apt-get", apt);
    await expect(ensureHostPrograms()).rejects.toMatchObject({
      code: "E_HOST_PROGRAMS",
      what: "this computer lacks ssh, ssh-keygen, ip",
      why: expect.stringMatching(why),
      fix: "install iproute2 and openssh-client, and run the same command again",
    });
  });
});
