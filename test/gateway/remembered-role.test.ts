import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { Child } from "../../src/drill/world/child.ts";
import { parseGatewayConfig } from "../../src/gateway/config.ts";
import { rememberedRole, rememberRoles } from "../../src/gateway/remembered-role.ts";
import { MemoryRoles, type Role } from "../../src/gateway/roles.ts";
import { highestRole } from "../../src/gateway/siblings.ts";
import { temporaryFolders } from "../support/temporary-folder.ts";
import { ADMIN_TOKEN, AGENT_TOKEN, configFor, logTo } from "./gateway-fixture.ts";

const folderFor = temporaryFolders();
const urls = { a: ["http://127.0.0.1:9"], b: ["http://127.0.0.1:9"] };
const first: Role = { active: "a", epoch: 1, reason: "the first" };
const moved: Role = {
  active: "b",
  epoch: 7,
  reason: "rank 3 ended",
  why: "failover",
  members: { a: ["gpu-a"], b: ["gpu-c", "gpu-d"] },
  servers: { "gpu-a": { agent: "http://127.0.0.1:9" } },
};

test("a replica that is killed knows, started anew and alone, what it was told last", async () => {
  const folder = folderFor();
  const roleFile = join(folder, "state", "role.json");
  writeFileSync(join(folder, "config.json"), JSON.stringify(configFor(urls, {}, { roleFile })));
  const start = async () => {
    let admin = "";
    const gateway = new Child({
      name: "gateway",
      script: new URL("../../src/gateway/main.ts", import.meta.url).pathname,
      args: [join(folder, "config.json")],
      env: { TANDEM_AGENT_TOKEN: AGENT_TOKEN, TANDEM_ADMIN_TOKEN: ADMIN_TOKEN },
      onLine: (line) => {
        if (line.includes("gateway serves")) ({ admin } = JSON.parse(line) as { admin: string });
      },
    });
    await gateway.printed("gateway serves");
    const call = async (path: string, init: RequestInit = {}) =>
      (await fetch(admin + path, { ...init, headers: { authorization: `Bearer ${ADMIN_TOKEN}` } })).json() as Promise<{
        role: Role;
        epoch: number;
      }>;
    return { gateway, call };
  };
  const before = await start();
  try {
    await before.call("/role", { method: "PUT", body: JSON.stringify(moved) });
    const written = () => (existsSync(roleFile) ? readFileSync(roleFile, "utf8") : "");
    await vi.waitUntil(() => written().includes("rank 3 ended"), { timeout: 20_000 });
  } finally {
    await before.gateway.kill();
  }
  const after = await start();
  try {
    expect(await after.call("/status")).toMatchObject({ role: moved, epoch: 7 });
  } finally {
    await after.gateway.kill();
  }
});

test("of many roles in a row the last one stays, and no half of one", async () => {
  const path = join(folderFor(), "role.json");
  const roles = new MemoryRoles(first);
  const stop = rememberRoles(roles, path, logTo());
  for (let epoch = 2; epoch < 40; epoch++) roles.set({ ...moved, epoch });
  await stop();
  roles.set({ ...moved, epoch: 40 });
  expect(await rememberedRole(path, logTo())).toEqual({ ...moved, epoch: 39 });
  expect(readdirSync(join(path, ".."))).toEqual(["role.json"]);
});

test.each([
  ["an older epoch than the configuration's", { ...moved, epoch: 0 }, first],
  ["a group that is no more", { ...moved, active: "z" }, first],
  ["the epoch of the configuration, with the members", { ...first, members: { a: ["gpu-b"] } }, undefined],
])("remembered: %s", async (_name, role, used) => {
  const config = parseGatewayConfig(configFor(urls));
  expect(await highestRole(config, ADMIN_TOKEN, role)).toMatchObject({
    ...(used ?? role),
    reason: used === undefined ? role.reason : "the configuration",
  });
});

test.each([
  ["there is none", null, 0],
  ["it is cut off", '{"active":"b","epo', 1],
  ["it is of another form", '{"active":"b","epoch":"7","reason":""}', 1],
])("no role is remembered when %s", async (_name, text, warnings) => {
  const path = join(folderFor(), "role.json");
  if (text !== null) writeFileSync(path, text);
  const lines: string[] = [];
  const log = logTo((line) => lines.push(line));
  expect(await rememberedRole(path, log)).toBeNull();
  expect(lines).toHaveLength(warnings);
});

test("a file that cannot be written is said, and stops nothing", async () => {
  const lines: string[] = [];
  const folder = folderFor();
  writeFileSync(join(folder, "taken"), "");
  const log = logTo((line) => lines.push(line));
  await rememberRoles(new MemoryRoles(first), join(folder, "taken", "role.json"), log)();
  expect(lines.join()).toContain("cannot be remembered");
});
