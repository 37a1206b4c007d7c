import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { stackFiles } from "../../../src/infra/stack/stack-files.ts";
import { writeStackPrograms } from "../../../src/infra/stack/stack-programs.ts";

const home = mkdtempSync(join(tmpdir(), "somebody's home "));
const files = stackFiles("local", home);
const run = async (name: string, args: string[], env: Record<string, string> = {}) =>
  (await execa(join(files.programs, name), args, { env: { PATH: process.env.PATH, ...env }, extendEnv: false })).stdout;

// `env` shows what a kubectl is given, `echo` what a pulumi is told.
beforeAll(() => writeStackPrograms(files, { kubectl: "/usr/bin/env", pulumi: "/bin/echo" }));
afterAll(() => rmSync(home, { recursive: true }));

test("what kubectl remembers of the cluster stays with the stack, unless somebody wants it elsewhere", async () => {
  expect(await run("kubectl", [])).toContain(`KUBECACHEDIR=${files.kubectlCache}`);
  expect(await run("kubectl", [], { KUBECACHEDIR: "/elsewhere" })).toContain("KUBECACHEDIR=/elsewhere");
});

test("pulumi reads and writes the stack's own configuration, where a command has one", async () => {
  expect(await run("pulumi", ["up", "--yes"])).toBe(`up --yes --config-file ${files.config}`);
  expect(await run("pulumi", ["version"])).toBe("version");
});

test("they are written over those of an earlier update", async () => {
  await writeStackPrograms(files, { kubectl: "/bin/echo", pulumi: "/bin/echo" });
  expect(await run("kubectl", ["get", "nodes"])).toBe("get nodes");
});

test("errors of its provider name the command that was typed", async () => {
  const pulumi = join(files.dir, "show");
  writeFileSync(pulumi, '#!/bin/sh\necho "$TANDEM_RESUME"\n', { mode: 0o755 });
  await writeStackPrograms(files, { kubectl: "/bin/echo", pulumi });
  expect(await run("pulumi", ["destroy", "--yes"])).toBe("pulumi destroy --yes");
});
