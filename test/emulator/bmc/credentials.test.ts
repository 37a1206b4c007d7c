import { createPrivateKey, X509Certificate } from "node:crypto";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ensureBmcCredentials, localBmcs, readKeyPair, readLocalBmcs } from "../../../src/emulator/bmc/credentials.ts";
import { stackDir } from "../../../src/machines/home.ts";
import { stackPlan } from "../../support/stacks.ts";
import { temporaryFolders } from "../../support/temporary-folder.ts";

const folderFor = temporaryFolders();
const BMCS = { "gpu-a": "10.9.0.21", "gpu-b": "10.9.0.22" };
beforeEach(() => void vi.stubEnv("TANDEM_HOME", folderFor()));
afterEach(() => vi.unstubAllEnvs());

test("only local machines have emulated BMCs, those whose spec gives one an address", () => {
  expect(localBmcs(stackPlan("local"))).toEqual({
    "gpu-a": "10.231.0.21",
    "gpu-b": "10.231.0.22",
    "gpu-c": "10.231.0.23",
    "gpu-d": "10.231.0.24",
  });
  expect(localBmcs(stackPlan("example"))).toEqual({});
});

test("passwords and certificate are made once, each server's its own, and nobody else may read them", async () => {
  await ensureBmcCredentials("s", BMCS);
  const first = await readLocalBmcs("s", BMCS);
  await ensureBmcCredentials("s", BMCS);
  expect(await readLocalBmcs("s", BMCS)).toEqual(first);
  const { "gpu-a": a, "gpu-b": b } = first;
  expect(a?.password).toMatch(/^[\w-]{32}$/);
  expect(b?.password).not.toBe(a?.password);
  const folder = join(stackDir("s"), "secrets");
  for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).mode & 0o777, name).toBe(0o600);
});

test("the certificate is for the addresses, belongs to its key, and what the cluster gets is no key", async () => {
  await ensureBmcCredentials("s", BMCS);
  const pair = await readKeyPair("s");
  const certificate = new X509Certificate(pair?.cert ?? "");
  for (const address of Object.values(BMCS)) expect(certificate.checkIP(address)).toBe(address);
  expect(certificate.checkPrivateKey(createPrivateKey(pair?.key ?? ""))).toBe(true);
  expect(certificate.verify(certificate.publicKey)).toBe(true);
  const years = (certificate.validToDate.getTime() - Date.now()) / 31_557_600_000;
  expect(years).toBeGreaterThan(9.9);
  expect((await readLocalBmcs("s", BMCS))["gpu-a"]?.ca).not.toContain("PRIVATE KEY");
});

test("before the first `tandem up` nothing is known, and a stack without BMCs makes nothing", async () => {
  expect(await readLocalBmcs("s", BMCS)).toEqual({});
  await ensureBmcCredentials("s", {});
  expect(await readKeyPair("s")).toBeUndefined();
});
