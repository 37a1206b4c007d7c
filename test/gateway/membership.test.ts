import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type GatewayConfigInput, parseGatewayConfig } from "../../src/gateway/config.ts";
import { Group } from "../../src/gateway/groups/group.ts";
import { Membership } from "../../src/gateway/groups/membership.ts";
import { MemoryRoles } from "../../src/gateway/roles.ts";
import { highestRole } from "../../src/gateway/siblings.ts";
import { WatchClock } from "../../src/gateway/watch-clock.ts";
import { type ServerProcess, startGroup } from "../emulator/server-process.ts";
import { startAgents } from "./fake-agents.ts";
import { ADMIN_TOKEN, configFor, startWorld, type World } from "./gateway-fixture.ts";
import { judge } from "./judge.ts";

const role = (epoch: number, members?: Record<string, string[]>, active = "a") => ({
  active,
  epoch,
  reason: "",
  ...(members === undefined ? {} : { members }),
});

describe("the word", () => {
  test.each([
    ["a higher epoch", role(3), true],
    ["a lower epoch", role(1, { a: ["gpu-a"], b: ["gpu-c"] }), false],
    ["the same epoch and nothing new", role(2), false],
    ["the same epoch and the same members in another order", role(2, { b: ["gpu-d", "gpu-c"], a: ["gpu-a"] }), false],
    ["the same epoch and other members", role(2, { a: ["gpu-a"], b: ["gpu-c", "gpu-e"] }), true],
    ["the same epoch for another group", role(2, { a: ["gpu-a"], b: ["gpu-e"] }, "b"), false],
  ])("%s", (_name, word, taken) => {
    const roles = new MemoryRoles(role(2, { a: ["gpu-a"], b: ["gpu-c", "gpu-d"] }));
    expect(roles.set(word)).toBe(taken);
    expect(roles.role.members, "a word without members leaves them").toEqual(
      taken && word.members ? word.members : { a: ["gpu-a"], b: ["gpu-c", "gpu-d"] },
    );
  });
});

describe("members", () => {
  const servers = Object.fromEntries(
    ["gpu-a", "gpu-b", "gpu-c"].map((id) => [id, { agent: "http://x", engine: `http://${id}` }]),
  );
  const setUp = () => {
    const group = new Group(
      { id: "a", servers: ["gpu-a", "gpu-b"], urls: ["http://gpu-a", "http://gpu-b"], key: null, connectTimeoutMs: 1 },
      new WatchClock(() => 0),
    );
    const config = { servers, groups: { a: { servers: [...group.servers], urls: ["http://gpu-a", "http://gpu-b"] } } };
    return { group, membership: new Membership(config, new Map([["a", group]])) };
  };

  test("a spare takes a place; the leader that stays is not asked for anew", () => {
    const { group, membership } = setUp();
    group.tryNextLeader();
    expect(membership.assign({ a: ["gpu-c", "gpu-b"] })).toEqual({ changed: ["a"], unknown: [] });
    expect([group.servers, group.url]).toEqual([["gpu-c", "gpu-b"], "http://gpu-b"]);
    expect([membership.groupOf("gpu-a"), membership.groupOf("gpu-c")]).toEqual([null, group]);
  });

  test("a server that is added can join; one with another address is asked there", () => {
    const { group, membership } = setUp();
    membership.learn({ ...servers, "gpu-x": { agent: "http://y", engine: "http://gpu-x" } });
    expect(membership.assign({ a: ["gpu-b", "gpu-x"] })).toEqual({ changed: ["a"], unknown: [] });
    expect(group.urls).toEqual(["http://gpu-b", "http://gpu-x"]);
    membership.learn({ ...servers, "gpu-x": { agent: "http://y", engine: "http://moved" } });
    expect(membership.assign({ a: ["gpu-b", "gpu-x"] })).toEqual({ changed: ["a"], unknown: [] });
    expect(group.urls).toEqual(["http://gpu-b", "http://moved"]);
    expect(membership.assign({ a: ["gpu-b", "gpu-x"] })).toEqual({ changed: [], unknown: [] });
  });

  test("what this gateway does not know is answered and left out", () => {
    const { group, membership } = setUp();
    expect(membership.assign({ a: ["gpu-b", "gpu-x"], z: ["gpu-c"] })).toEqual({ changed: ["a"], unknown: ["gpu-x"] });
    expect(group.servers).toEqual(["gpu-b"]);
  });

  test("a group without servers refuses, and does so later", async () => {
    const { group, membership } = setUp();
    membership.assign({ a: [] });
    let asked = false;
    const how = await new Promise((resolve) => {
      group.open("/v1/completions", "{}", { onHead() {}, onData() {}, onEnd() {}, onBreak: resolve });
      asked = true;
    });
    expect([asked, how]).toEqual([true, "refused"]);
  });
});

describe("a running gateway", () => {
  let fleet: Awaited<ReturnType<typeof startAgents>>;
  let world: World;
  let spare: ServerProcess[] = [];
  beforeEach(async () => {
    fleet = await startAgents(["gpu-a", "gpu-b", "gpu-c", "gpu-d", "gpu-e"]);
  });
  afterEach(async () => {
    await world?.close();
    await Promise.all([fleet.stop(), ...spare.map((server) => server.stop())]);
    spare = [];
  });

  const start = async (more: Partial<GatewayConfigInput> = {}) => {
    spare = await startGroup({
      flags: ["--reasoning-parser", "deepseek-r1", "--served-model-name", "deepseek-v3"],
      env: { EMULATOR_TEMPLATE_OPENS_THINK: "1", EMULATOR_DECODE_STEP_MS: "5" },
    });
    const { servers } = configFor({ a: [], b: [] }, fleet.urls);
    const joined = { agent: fleet.urls["gpu-e"] ?? "", engine: spare[0]?.url ?? "" };
    return startWorld({ agents: fleet.urls, config: { servers: { ...servers, "gpu-e": joined }, ...more } });
  };
  const put = (body: object) =>
    fetch(`${world.gateway.adminUrl}/role`, {
      method: "PUT",
      headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
      body: JSON.stringify(body),
    });
  const status = () => world.gateway.gateway.status;
  const members = { a: ["gpu-a", "gpu-b"], b: ["gpu-e"] };
  const one = { kind: "chat", prompt: "members", answer: 300, reasoning: 5, maxTokens: 0, thinking: true } as const;

  test("the standby gets another server: streams go on, and the new engine takes over when it must", async () => {
    world = await start();
    const running = judge(world.url, one);
    expect((await put(role(1, members))).status).toBe(200);
    expect(status().groups).toMatchObject({ a: { servers: members.a }, b: { servers: ["gpu-e"], url: spare[0]?.url } });
    expect(status().role).toMatchObject({ epoch: 1, members });
    // The old members of b are nobody's any more: what happens there is no reason for anything.
    fleet.agents["gpu-c"]?.kernel("NVRM: Xid (PCI:0000:0b:00): 79, pid=1, GPU has fallen off the bus.");
    await expect.poll(() => status().groups.b?.state).not.toBe("blind");
    expect(status().groups.b?.state).toBe("clear");
    fleet.agents["gpu-a"]?.kernel("NVRM: Xid (PCI:0000:0b:00): 79, pid=1, GPU has fallen off the bus.");
    expect(await running).toEqual([]);
    expect(status()).toMatchObject({ active: "b", lastFailover: { from: "a", to: "b", carried: 1 } });
    // And a fault on the server that joined is one of the group.
    fleet.agents["gpu-e"]?.kernel("NVRM: Xid (PCI:0000:0b:00): 79, pid=1, GPU has fallen off the bus.");
    await expect.poll(() => status().groups.b?.state).toBe("suspect");
  });

  test("a server is added while the gateway runs: it is heard, joins a group, and its engine takes over", async () => {
    const { servers } = configFor({ a: [], b: [] }, fleet.urls);
    world = await start({ servers });
    expect(Object.keys(status().servers)).not.toContain("gpu-e");
    const running = judge(world.url, one);
    expect((await put(role(1, members))).status).toBe(200);
    expect(status().groups.b?.servers, "nobody has told where it is").toEqual([]);
    const at = { agent: fleet.urls["gpu-e"], engine: spare[0]?.url };
    expect((await put({ ...role(1, members), servers: { ...servers, "gpu-e": at } })).status).toBe(200);
    expect(status().groups.b).toMatchObject({ servers: ["gpu-e"], url: at.engine });
    await expect.poll(() => status().servers["gpu-e"]).toMatchObject({ stream: "open", agent: at.agent });
    await expect.poll(() => status().groups.b?.state).toBe("clear");
    fleet.agents["gpu-a"]?.kernel("NVRM: Xid (PCI:0000:0b:00): 79, pid=1, GPU has fallen off the bus.");
    expect(await running).toEqual([]);
    expect(status()).toMatchObject({ active: "b", lastFailover: { from: "a", to: "b", carried: 1 } });
    // One that left the stack is heard no more.
    const { "gpu-d": _, ...left } = servers;
    expect((await put({ ...role(2, members, "b"), servers: { ...left, "gpu-e": at } })).status).toBe(200);
    expect(Object.keys(status().servers).sort()).toEqual(["gpu-a", "gpu-b", "gpu-c", "gpu-e"]);
  });

  test("a sibling that starts learns the members with the word", async () => {
    world = await start();
    await put(role(1, members));
    const config = { ...configFor({ a: [], b: [] }), siblings: [world.gateway.adminUrl] };
    const other = { a: { servers: ["gpu-a"], urls: ["http://x"] }, b: { servers: ["gpu-c"], urls: ["http://y"] } };
    expect(await highestRole(parseGatewayConfig({ ...config, groups: other }), ADMIN_TOKEN)).toMatchObject({
      epoch: 1,
      members,
    });
    // A configuration that knows a higher epoch is followed, as before.
    expect(await highestRole(parseGatewayConfig({ ...config, groups: other, epoch: 2 }), ADMIN_TOKEN)).toMatchObject({
      epoch: 2,
      reason: "the configuration",
    });
  });

  test.each([
    ["a server in two groups", role(2, { a: ["gpu-a"], b: ["gpu-a"] }), 400],
    ["no server at all", { ...role(2), servers: {} }, 400],
    ["a server without an address", { ...role(2), servers: { "gpu-a": {} } }, 400],
    ["members that are no lists", { ...role(2), members: { a: "gpu-a" } }, 400],
    ["an old epoch", role(0, members), 400],
  ])("refused, and nothing changes: %s", async (_name, body, code) => {
    world = await start();
    expect((await put(body)).status).toBe(code);
    expect(status().groups.b?.servers).toEqual(["gpu-c", "gpu-d"]);
  });
});
