import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Child } from "../../src/drill/world/child.ts";
import { followApiKeys } from "../../src/gateway/api-keys-file.ts";
import { readApiKeys } from "../../src/gateway/config.ts";
import { ApiKeys } from "../../src/stream/api-keys.ts";
import { ADMIN_TOKEN, AGENT_TOKEN, configFor, KEY, logTo } from "./gateway-fixture.ts";

const hash = (key: string) => createHash("sha256").update(key).digest("hex");
const listOf = (...names: string[]) => JSON.stringify(names.map((name) => ({ name, sha256: hash(`key-of-${name}`) })));
const lines: string[] = [];
let folder: string;
let path: string;
let generation = 0;
let keys: ApiKeys;
let stop: () => void;

/** As kubelet does it: a new folder, and the link `..data` turned to it in one step. */
function mount(text: string): void {
  generation += 1;
  mkdirSync(join(folder, `..${generation}`));
  writeFileSync(join(folder, `..${generation}`, "keys.json"), text);
  symlinkSync(`..${generation}`, join(folder, "..data_tmp"));
  renameSync(join(folder, "..data_tmp"), join(folder, "..data"));
}

const isIn = (name: string) => keys.nameOf(`Bearer key-of-${name}`);
beforeEach(() => {
  lines.splice(0);
  folder = mkdtempSync(join(tmpdir(), "api-keys-"));
  path = join(folder, "keys.json");
  symlinkSync("..data/keys.json", path);
  mount(listOf("ann"));
  const read = readApiKeys({ TANDEM_API_KEYS_FILE: path });
  keys = new ApiKeys(read);
  stop = followApiKeys(
    path,
    read,
    (next) => keys.replace(next),
    logTo((line) => void lines.push(line)),
    10,
  );
});
afterEach(() => {
  stop();
  rmSync(folder, { recursive: true });
});

test("a key is given, and another taken back, while the gateway runs", async () => {
  mount(listOf("ben"));
  await vi.waitUntil(() => isIn("ben") === "ben", { interval: 5, timeout: 20_000 });
  expect(isIn("ann")).toBeNull();
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ level: 30, keys: ["ben"], msg: "API keys renewed" }]);
});

test.each<[string, () => void, string]>([
  ["is no JSON", () => mount('[{"name":"ben","key":"my-plain-key"'), "is no JSON"],
  ["has a key where its hash should be", () => mount('[{"name":"ben","sha256":"my-plain-key"}]'), "64 hex digits"],
  ["is gone", () => rmSync(join(folder, "..data")), "ENOENT"],
])("a file that %s changes nothing, is said once, and shows no key", async (_name, spoil, why) => {
  spoil();
  await vi.waitUntil(() => lines.length > 0, { interval: 5, timeout: 20_000 });
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ level: 50, error: expect.stringContaining(why) }]);
  expect(lines.join("")).not.toContain("my-plain-key");
  expect(isIn("ann")).toBe("ann");
  if (why === "ENOENT") return;
  mount(listOf("ann", "ben"));
  await vi.waitUntil(() => isIn("ben") === "ben", { interval: 5, timeout: 20_000 });
});

test("a file that is wrong at the start is refused, and shows no key either", () => {
  mount('{"my-plain-key');
  expect(() => readApiKeys({ TANDEM_API_KEYS_FILE: path })).toThrow(
    expect.objectContaining({ code: "gateway-config" }),
  );
});

test("the program follows its file", async () => {
  const config = join(folder, "config.json");
  writeFileSync(config, JSON.stringify(configFor({ a: ["http://127.0.0.1:9"], b: ["http://127.0.0.1:9"] })));
  let url = "";
  const gateway = new Child({
    name: "gateway",
    script: new URL("../../src/gateway/main.ts", import.meta.url).pathname,
    args: [config],
    env: { TANDEM_AGENT_TOKEN: AGENT_TOKEN, TANDEM_ADMIN_TOKEN: ADMIN_TOKEN, TANDEM_API_KEYS_FILE: path },
    onLine: (line) => {
      if (line.includes("gateway serves")) ({ url } = JSON.parse(line) as { url: string });
    },
  });
  try {
    await gateway.printed("gateway serves");
    const statusFor = async (key: string) =>
      (await fetch(`${url}/v1/models`, { headers: { authorization: `Bearer ${key}` } })).status;
    expect([await statusFor("key-of-ann"), await statusFor("key-of-ben")]).toEqual([200, 401]);
    mount(listOf("ben"));
    await gateway.printed("API keys renewed");
    // Those of the configuration stay.
    expect([await statusFor("key-of-ann"), await statusFor("key-of-ben"), await statusFor(KEY)]).toEqual([
      401, 200, 200,
    ]);
  } finally {
    await gateway.kill();
  }
});
