import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readBmcCredentials } from "../../../src/infra/stack/bmc-credentials.ts";
import { specOf } from "../../plan/good-spec.ts";
import { certificateForLoopback } from "../../support/certificate.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "tandem-bmc-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const write = (name: string, text: string, mode = 0o600) => {
  writeFileSync(join(folder, name), text);
  chmodSync(join(folder, name), mode);
  return specOf({ "servers.gpu-a.bmc": { address: "10.0.9.11", secretFile: `./${name}` } });
};
const read = (spec: ReturnType<typeof specOf>) => readBmcCredentials(spec, join(folder, "tandem.yaml"));

test("a file beside the spec; a password may hold colons", () => {
  expect(read(write("good", "root:pa:ss word\n"))).toEqual({ "gpu-a": { user: "root", password: "pa:ss word" } });
});

test("what its certificate is checked against goes along", () => {
  const spec = write("good", "root:x\n");
  const { bmc } = spec.servers["gpu-a"] as { bmc: object };
  const pem = certificateForLoopback().cert;
  writeFileSync(join(folder, "ca.pem"), pem);
  const sha256 = Array.from({ length: 32 }, () => "A7").join(":");
  Object.assign(bmc, { caFile: "ca.pem", fingerprint: sha256 });
  expect(read(spec)["gpu-a"]).toEqual({ user: "root", password: "x", ca: pem, fingerprint: sha256 });
  Object.assign(bmc, { caFile: "good" });
  expect(() => read(spec)).toThrow(/gpu-a.*holds no certificate.*bmc.fingerprint/s);
});

test("a BMC without a file is left out", () => {
  expect(read(specOf({ "servers.gpu-a.bmc": { address: "10.0.9.11" } }))).toEqual({});
});

test.each([
  ["others may read it", () => write("open", "root:x", 0o644), /others may read .*open.*chmod 600/s],
  ["it holds no colon", () => write("word", "rootx"), /one line of `user:password`/],
  ["it holds two lines", () => write("lines", "root:x\nroot:y\n"), /one line of `user:password`/],
  [
    "it is not there",
    () => specOf({ "servers.gpu-a.bmc": { address: "10.0.9.11", secretFile: "./none" } }),
    /cannot be read: ENOENT/,
  ],
])("refused, by the name of the server and without the password: %s", (_name, make, expected) => {
  expect(() => read(make())).toThrow(expected);
  expect(() => read(make())).toThrow("gpu-a");
  expect(() => read(make())).not.toThrow("root");
});
