import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { expect, test } from "vitest";
import { script } from "../../../src/machines/server/script.ts";
import { temporaryFolders } from "../../support/temporary-folder.ts";

const folder = temporaryFolders();

/** As apt-get: one new package, its new dependency, and one that is brought up to date. */
const APT_GET = `echo "$*" >> "$root/calls"
case " $* " in
  *" -s "*) cat << 'END'
NOTE: This is only a simulation!
Inst libnftables1 (1.1.3-1 Debian:13.1/stable [amd64])
Inst libc6 [2.41-11] (2.41-12 Debian:13.1/stable [amd64])
Inst nftables (1.1.3-1 Debian:13.1/stable [amd64])
Conf libnftables1 (1.1.3-1 Debian:13.1/stable [amd64])
END
  ;;
  *" install "*) [ ! -e "$root/killed" ] || kill -9 $PPID ;;
esac`;

/** The step's script on a server that has nothing of what a node needs. */
function server() {
  const root = folder();
  const bin = join(root, "bin");
  mkdirSync(bin);
  const program = (name: string, text: string) => {
    writeFileSync(join(bin, name), `#!/bin/bash\n${text}\n`);
    chmodSync(join(bin, name), 0o755);
  };
  program("apt-get", APT_GET);
  program("dpkg", "");
  program("dpkg-query", 'case $* in *nftables1) echo installed ;; *) echo "no packages found" >&2; exit 1 ;; esac');
  // What this computer has, the server has not: `command -v` finds apt-get alone.
  const prologue = `set -Eeuo pipefail; also=; command() { [ "$2" = apt-get ]; }\n`;
  const run = (text: string) =>
    execa("bash", ["-c", `${prologue}${text}`.replaceAll("/var/lib/tandem", `${root}/tandem`)], {
      env: { PATH: `${bin}:${process.env.PATH}`, root },
      reject: false,
    });
  return {
    root,
    run: () => run(script("lib") + script("packages")),
    reset: () => run(`mode=act part=packages\n${script("reset")}`),
    calls: () => readFileSync(join(root, "calls"), "utf8").trim().split("\n"),
    noted: () => readFileSync(join(root, "tandem/packages"), "utf8").trim().split("\n"),
  };
}

test("packages are noted before they are installed, so that a killed run leaves none behind", async () => {
  const { root, run, noted } = server();
  writeFileSync(join(root, "killed"), "");
  expect((await run()).signal).toBe("SIGKILL");
  expect(noted()).toEqual(["libnftables1", "nftables"]);
});

test("what a run before has noted is not noted again, and what was there before never", async () => {
  const { run, noted } = server();
  for (let at = 0; at < 2; at += 1) expect(await run()).toMatchObject({ exitCode: 0 });
  expect(noted()).toEqual(["libnftables1", "nftables"]);
});

test("a reset after a kill removes what came, and asks apt-get for nothing else", async () => {
  const { root, run, reset, calls } = server();
  writeFileSync(join(root, "killed"), "");
  await run();
  expect(await reset()).toMatchObject({ exitCode: 0 });
  expect(calls().at(-1)).toBe("purge -y -qq libnftables1");
});
