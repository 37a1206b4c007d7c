import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, expect, test } from "vitest";
import type { StackFiles } from "../../../src/infra/stack/stack-files.ts";
import { writeStackPrograms } from "../../../src/infra/stack/stack-programs.ts";
import { findOnPath } from "../../../src/machines/tools/find-on-path.ts";
import { temporaryFolders } from "../../support/temporary-folder.ts";

const folder = temporaryFolders();
const accepted = { program: "pulumi", versionArguments: ["version"], from: "3.259.0", below: "4.0.0" };
const path = process.env.PATH;
afterEach(() => {
  process.env.PATH = path;
});

/** A program of that name which prints `text`, in a folder of its own. */
function program(text: string, at = join(folder(), "pulumi"), mode = 0o755): string {
  mkdirSync(dirname(at), { recursive: true });
  writeFileSync(at, `#!/bin/sh\n[ "$1" = version ] && echo '${text}'\n`, { mode });
  return dirname(at);
}

test.each([
  ["v3.259.0", "accepted"],
  ["v3.300.1-alpha", "accepted"],
  ["v3.258.9", "refused"],
  ["v4.0.0", "refused"],
  ["no version", "refused"],
])("a program that says %s is %s", async (text, kind) => {
  process.env.PATH = program(text);
  expect(await findOnPath(accepted, folder())).toMatchObject({ kind, path: join(process.env.PATH, "pulumi") });
});

test("a refusal says what was found and what is wanted", async () => {
  process.env.PATH = program("v3.100.0");
  const found = await findOnPath(accepted, folder());
  expect(found).toMatchObject({ why: "it is 3.100.0; wanted 3.259.0 or later, below 4.0.0" });
});

test("nothing on PATH, a file without the right to run, a relative folder: absent", async () => {
  process.env.PATH = [folder(), program("v3.259.0", join(folder(), "pulumi"), 0o644), "."].join(":");
  expect(await findOnPath(accepted, folder())).toEqual({ kind: "absent" });
});

test("our own cache on PATH is not taken for somebody else's program", async () => {
  const home = folder();
  const ours = program("v3.259.0", join(home, "tools/pulumi-3.259.0/pulumi"));
  const links = folder();
  symlinkSync(join(ours, "pulumi"), join(links, "pulumi"));
  const theirs = program("v3.260.0");
  process.env.PATH = [ours, links].join(":");
  expect(await findOnPath(accepted, home)).toEqual({ kind: "absent" });
  process.env.PATH = [ours, links, theirs].join(":");
  expect(await findOnPath(accepted, home)).toMatchObject({ kind: "accepted", version: "3.260.0" });
});

test("the programs of a stack, of whichever home, are not taken for the real ones", async () => {
  const real = program("v3.260.0");
  const programs = folder();
  const files = { programs, config: "/tmp/c", kubectlCache: "/tmp/k" } as StackFiles;
  await writeStackPrograms(files, { kubectl: "/bin/true", pulumi: join(real, "pulumi") });
  process.env.PATH = [programs, "/usr/bin", "/bin"].join(":");
  expect(await findOnPath(accepted, folder())).toEqual({ kind: "absent" });
  process.env.PATH = [programs, real, "/usr/bin", "/bin"].join(":");
  expect(await findOnPath(accepted, folder())).toMatchObject({ kind: "accepted", path: join(real, "pulumi") });
});

test("the question for a version reaches no cluster of the caller's", async () => {
  const at = folder();
  // As a vendor's kubectl does: the cluster's answer becomes its own.
  writeFileSync(join(at, "pulumi"), '#!/bin/sh\n[ "$KUBECONFIG" = /dev/null ] && echo v3.260.0 || echo v1.0.0\n', {
    mode: 0o755,
  });
  process.env.PATH = at;
  const before = process.env.KUBECONFIG;
  process.env.KUBECONFIG = join(at, "kubeconfig");
  try {
    expect(await findOnPath(accepted, folder())).toMatchObject({ kind: "accepted", version: "3.260.0" });
  } finally {
    if (before === undefined) delete process.env.KUBECONFIG;
    else process.env.KUBECONFIG = before;
  }
});
