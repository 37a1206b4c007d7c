import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openStack } from "../../../src/infra/stack/open-stack.ts";
import { stackFiles } from "../../../src/infra/stack/stack-files.ts";
import { ensureStackKey } from "../../../src/infra/stack/stack-key.ts";
import { ensureStackSecrets, readStackSecrets, secretFile } from "../../../src/infra/stack/stack-secrets.ts";
import { LOCAL_KEY_FILE } from "../../../src/machines/server/targets.ts";
import { temporaryFolders } from "../../support/temporary-folder.ts";

const folder = temporaryFolders();
const before = process.env.TANDEM_HOME;
beforeEach(() => {
  process.env.TANDEM_HOME = folder();
});
afterEach(() => {
  if (before === undefined) delete process.env.TANDEM_HOME;
  else process.env.TANDEM_HOME = before;
});

test("secrets stay as they were made, one file each for its owner alone", async () => {
  await ensureStackSecrets("s");
  const made = await readStackSecrets("s");
  expect(new Set(Object.values(made ?? {})).size).toBe(5);
  expect(statSync(secretFile("s", "agent-token")).mode & 0o777).toBe(0o600);
  await ensureStackSecrets("s");
  expect(await readStackSecrets("s")).toEqual(made);
});

test.skipIf(process.platform !== "linux")("where no byte can be written, no secret counts as made", async () => {
  const module = new URL("../../../src/infra/stack/stack-secrets.ts", import.meta.url).href;
  const program = `(await import(${JSON.stringify(module)})).ensureStackSecrets("s")`;
  // The kernel ends a process, or its write, at the limit: what a full disk does, too.
  const limited = ["-c", 'ulimit -f 0; exec "$0" --input-type=module -e "$1"', process.execPath, program];
  const { failed } = await execa("sh", limited, { reject: false, env: { NODE_COMPILE_CACHE: "" } });
  expect(failed).toBe(true);
  expect(existsSync(secretFile("s", "api-key"))).toBe(false);
  await ensureStackSecrets("s");
  expect((await readStackSecrets("s"))?.["api-key"]).toMatch(/^sk-tandem-.{32}$/);
});

test("an empty secret of an earlier release is made anew, an empty passphrase only before it was used", async () => {
  const token = secretFile("s", "agent-token");
  mkdirSync(dirname(token), { recursive: true });
  writeFileSync(token, "");
  await ensureStackSecrets("s");
  expect(readFileSync(token, "utf8")).toHaveLength(32);

  const { passphrase, project } = stackFiles("s");
  writeFileSync(passphrase, "");
  // In place of Pulumi: notes that a passphrase was used.
  const pulumi = join(folder(), "pulumi");
  const note = `[ "$2" != init ] || echo 'encryptionsalt: v1:x' > '${project}/Pulumi.s.yaml'`;
  writeFileSync(pulumi, `#!/bin/sh\n${note}\n`, { mode: 0o755 });
  await openStack("s", pulumi, "/spec.yaml");
  expect(readFileSync(passphrase, "utf8")).toHaveLength(43);
  writeFileSync(passphrase, "");
  await openStack("s", pulumi, "/spec.yaml");
  expect(readFileSync(passphrase, "utf8"), "the state could not be read any more").toBe("");
});

test("a key whose public half was not written is finished, half a key is made anew, a whole one stays", async () => {
  const path = join(stackFiles("s").dir, LOCAL_KEY_FILE);
  const made = await ensureStackKey("s");
  expect(made).toMatch(/^ssh-ed25519 \S+$/);
  const whole = readFileSync(path, "utf8");
  expect(statSync(path).mode & 0o777).toBe(0o600);
  rmSync(`${path}.pub`);
  expect(await ensureStackKey("s")).toBe(made);
  expect(readFileSync(path, "utf8")).toBe(whole);
  rmSync(`${path}.pub`);
  writeFileSync(path, whole.slice(0, 100));
  const other = await ensureStackKey("s");
  expect(other).toMatch(/^ssh-ed25519 \S+$/);
  expect(other).not.toBe(made);
  expect(await ensureStackKey("s")).toBe(other);
});
