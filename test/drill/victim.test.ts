import { describe, expect, test } from "vitest";
import { isLocal } from "../../src/drill/cluster/address-holder.ts";
import type { DrillArena } from "../../src/drill/scenarios/drill-arena.ts";
import type { Step } from "../../src/drill/scenarios/scenario.ts";
import { victimOf } from "../../src/drill/scenarios/victim.ts";

const group = (id: string, ...names: string[]) => ({ id, servers: names.map((name) => ({ name })) });
const arena = {
  groups: [group("a", "gpu-a", "gpu-b"), group("b", "gpu-c", "gpu-d")],
  replicas: [{ name: "cp-1" }, { name: "gpu-c" }],
  entryServer: async () => "gpu-c",
} as unknown as DrillArena;

/** Everybody that a step could hit, whatever chance says. */
async function everyVictim(step: Step, active: string): Promise<string[]> {
  const drawn = [0, 0.25, 0.5, 0.75, 0.999].map((share) => victimOf(arena, step, active, undefined, () => share));
  return [...new Set(await Promise.all(drawn))].sort();
}

describe("whom a drill hits", () => {
  test.each<[Step["cause"], Step["on"], string, string[]]>([
    ["server-power", "active", "b", ["gpu-d"]],
    ["network-cut", "active", "b", ["gpu-d"]],
    ["server-freeze", "active", "a", ["gpu-a", "gpu-b"]],
    ["server-power", "standby", "a", ["gpu-d"]],
    ["gpu-xid", "active", "b", ["gpu-c", "gpu-d"]],
    ["gateway-kill", "gateway", "a", ["cp-1", "gpu-c"]],
  ])(
    "%s on the %s side of %s: never the gateway that holds the drill's own streams",
    async (cause, on, active, all) => {
      expect(await everyVictim({ cause, on }, active)).toEqual(all);
    },
  );

  test("who asks for that server by name is told why not, and what to do", async () => {
    const asked = (name: string) => victimOf(arena, { cause: "server-power", on: "active" }, "b", name, () => 0);
    await expect(asked("gpu-c")).rejects.toMatchObject({
      code: "E_DRILL_VICTIM",
      message: expect.stringMatching(/gpu-c.*clients reach the gateway on it.*gpu-d.*gateway-kill/s),
    });
    await expect(asked("gpu-a")).rejects.toMatchObject({ code: "E_DRILL_VICTIM" });
    expect(await asked("gpu-d")).toBe("gpu-d");
  });
});

test("an address is a machine's own if its kernel says so, and not because a route leads there", () => {
  const trie = [
    "Local:",
    "  +-- 10.231.0.0/24 2 0 2",
    "        |-- 10.231.0.11",
    "           /32 host LOCAL",
    "        |-- 10.231.0.100",
    "           /32 link UNICAST",
    "     |-- 10.231.0.255",
    "        /32 link BROADCAST",
  ].join("\n");
  expect(isLocal(trie, "10.231.0.11")).toBe(true);
  expect(isLocal(trie, "10.231.0.1")).toBe(false);
  expect(isLocal(trie, "10.231.0.100")).toBe(false);
  expect(isLocal(trie, "10.231.0.255")).toBe(false);
  expect(isLocal(trie.replace("link UNICAST", "host LOCAL"), "10.231.0.100")).toBe(true);
});
