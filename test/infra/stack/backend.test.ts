import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openStack } from "../../../src/infra/stack/open-stack.ts";
import { clearStaleLock } from "../../../src/infra/stack/pulumi-lock.ts";
import { pulumiEnv, type StackFiles, stackFiles } from "../../../src/infra/stack/stack-files.ts";
import { hasState, machinesInState } from "../../../src/infra/stack/stack-state.ts";
import { temporaryFolders } from "../../support/temporary-folder.ts";

const temporary = temporaryFolders();
const NAMES = ["TANDEM_HOME", "TANDEM_BACKEND_URL", "PULUMI_BACKEND_URL"];
const before = Object.fromEntries(NAMES.map((name) => [name, process.env[name]]));
let files: StackFiles;
let pulumi: string;
beforeEach(() => {
  for (const name of NAMES) delete process.env[name];
  process.env.TANDEM_HOME = temporary();
  files = stackFiles("s");
  // In place of Pulumi: makes what `stack init` makes, unless its backend is the one that cannot be reached.
  pulumi = join(temporary(), "pulumi");
  const script = `#!/bin/sh
[ "$PULUMI_BACKEND_URL" != s3://wrong ] || { echo 'error: no such bucket' >&2; exit 255; }
[ "$2" != init ] || echo 'encryptionsalt: v1:x' > '${files.project}/Pulumi.s.yaml'
`;
  writeFileSync(pulumi, script, { mode: 0o755 });
});
afterEach(() => {
  for (const [name, value] of Object.entries(before)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
});

/** Opens the stack as a command of a shell with this choice does; answers where Pulumi was told to look. */
async function open(chosen?: string): Promise<string | undefined> {
  if (chosen === undefined) delete process.env.TANDEM_BACKEND_URL;
  else process.env.TANDEM_BACKEND_URL = chosen;
  return (await openStack("s", pulumi, "/spec.yaml")).env.PULUMI_BACKEND_URL;
}

test("the state is on this computer unless somebody chose a backend for the stack", async () => {
  // What `tandem env` of another stack has exported.
  process.env.PULUMI_BACKEND_URL = "file:///of/another/stack";
  expect(await open()).toBe(`file://${files.backend}`);
  await expect(open("s3://states")).rejects.toMatchObject({
    code: "E_BACKEND",
    why: expect.stringContaining(`its state is in file://${files.backend}`),
  });
  expect(await open()).toBe(`file://${files.backend}`);
});

test("a stack remembers its backend, and refuses another one", async () => {
  expect(await open("s3://states")).toBe("s3://states");
  expect(await open()).toBe("s3://states");
  expect(await open("s3://states")).toBe("s3://states");
  expect(pulumiEnv(files).PULUMI_BACKEND_URL, "what `tandem env` prints").toBe("s3://states");
  await expect(open("postgres://kim:planted@db/states")).rejects.toMatchObject({
    code: "E_BACKEND",
    why: expect.stringMatching(/^(?!.*planted).*postgres:\/\/kim:…@db\/states/),
  });
});

test("a backend that cannot be used says why, and is not remembered", async () => {
  await expect(open("s3://wrong")).rejects.toMatchObject({
    code: "E_BACKEND",
    what: "stack s could not be made in s3://wrong",
    why: "Pulumi says: error: no such bucket",
  });
  expect(await open()).toBe(`file://${files.backend}`);
});

test("nothing is read from our folder about a state that is elsewhere", async () => {
  const locks = join(files.backend, ".pulumi/locks/organization/tandem/s");
  mkdirSync(locks, { recursive: true });
  writeFileSync(join(locks, "1.json"), JSON.stringify({ pid: 1, username: "kim", hostname: "desk", timestamp: "" }));
  expect([await hasState("s"), await machinesInState("s")]).toEqual([false, []]);
  await open("s3://states");
  expect([await hasState("s"), await machinesInState("s")]).toEqual([true, undefined]);
  await clearStaleLock("s", files, { say: () => {}, signal: AbortSignal.timeout(5_000) });
  expect(readFileSync(files.chosenBackend, "utf8")).toBe("s3://states\n");
});
