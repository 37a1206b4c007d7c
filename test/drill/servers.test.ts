import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { describe, expect, test } from "vitest";
import { loadPlan } from "../../src/cli/load-plan.ts";
import { monotonicMs } from "../../src/drill/clock.ts";
import { ClockOffset } from "../../src/drill/cluster/clock-offset.ts";
import type { Cause } from "../../src/drill/scenarios/scenario.ts";
import { obstacleTo } from "../../src/drill/servers/obstacle.ts";
import { bmcPower } from "../../src/drill/servers/power.ts";
import { startBmc } from "../../src/emulator/bmc/redfish.ts";
import { SERVER_DRILL_FOLDER } from "../../src/manifests/agent.ts";
import { certificateForLoopback } from "../support/certificate.ts";

const planOf = (stack: string) => loadPlan(join("stacks", `${stack}.yaml`), { allowPlaceholder: true }).plan;

describe("what can be done to a server that nobody but itself can lay hands on", () => {
  const all: Cause[] = ["gpu-xid", "rank-crash", "server-freeze", "network-cut", "gateway-kill", "api-server-down"];
  test.each<[string, { hasWay?: boolean; hasPower?: boolean }, Cause[], Cause[]]>([
    // stack, reach, can, cannot
    ["example", {}, [...all, "switchover", "bad-release"], ["server-power", "slow-server", "ib-down"]],
    ["example", { hasPower: true }, ["server-power"], ["slow-server"]],
    ["roce", {}, ["ib-down"], ["slow-server"]],
    ["local", { hasPower: true }, all, ["ib-down"]],
    ["example", { hasWay: false }, ["switchover", "bad-release"], all],
  ])("on %s with %o", (stack, { hasWay = true, hasPower = false }, can, cannot) => {
    const reach = { plan: planOf(stack), hasWay, hasPower };
    for (const cause of can) expect(obstacleTo(cause, "gpu-a", reach), cause).toBeNull();
    for (const cause of cannot) expect(obstacleTo(cause, "gpu-a", reach), cause).toMatch(/\w{3}/);
  });
});

describe("scripts", () => {
  const folder = "src/drill/servers/scripts";
  const files = globSync(`${folder}/*.sh`).sort();
  const text = (file: string) => readFileSync(file, "utf8");
  const deeds = files.filter((file) => !/(lib|undo|has-address)\.sh$/.test(file));

  test.each(files)("%s is bash", async (file) => {
    await execa("bash", ["-n", file]);
  });

  test.each(deeds)("%s tells the server how it is undone before it does anything", (file) => {
    // What undoes it stands in a here-document.
    const lines = text(file)
      .replaceAll(/<< UNDO\n.*?\nUNDO\n/gs, "\n")
      .split("\n")
      .filter((line) => !line.startsWith("#"));
    const at = (pattern: RegExp) => lines.findIndex((line) => pattern.test(line));
    const ready = at(/^ready /);
    expect(ready, "it waits for its moment").toBeGreaterThan(0);
    const deed = at(/^(kill -(STOP|KILL)|nft |mv |ip link set|for file in .* > )/);
    expect(deed).toBeGreaterThan(ready);
    const armed = at(/^arm\b/);
    // A process that was killed is started again by Kubernetes: there is nothing to undo.
    if (/kill-program|rank-crash/.test(file)) expect(armed).toBe(-1);
    else expect(armed >= 0 && armed < ready).toBe(true);
  });

  test("write where the agent listens", () => {
    expect(text(`${folder}/lib.sh`)).toContain(`folder=${SERVER_DRILL_FOLDER}\n`);
  });
});

describe("the power of a server, by its BMC", () => {
  test("is off from the last moment at which it was not, and comes back", async () => {
    const { key, cert } = certificateForLoopback("factory");
    const switched: string[] = [];
    let state: "On" | "Off" = "On";
    const turn = (to: "On" | "Off") => {
      state = to;
      switched.push(to);
    };
    const power = {
      state: async () => state,
      on: async () => turn("On"),
      off: async () => turn("Off"),
    };
    const access = { host: "127.0.0.1", port: 0, user: "root", password: "never to be seen" };
    const bmc = await startBmc({ ...access, server: "gpu-a", power, tls: { key, cert } });
    try {
      const { user, password } = access;
      const board = bmcPower({ "gpu-a": { url: bmc.url, user, password, ca: cert } });
      expect([board.has("gpu-a"), board.has("gpu-b")]).toEqual([true, false]);
      const beforeMs = monotonicMs();
      const { atMs } = await board.off("gpu-a");
      expect(atMs).toBeGreaterThanOrEqual(beforeMs);
      expect(atMs).toBeLessThanOrEqual(monotonicMs());
      await board.on("gpu-a");
      await board.on("gpu-a");
      expect(switched).toEqual(["Off", "On"]);
      await expect(board.off("gpu-b")).rejects.toThrow(/no BMC of gpu-b/);
    } finally {
      await bmc.close();
    }
  });
});

describe("the clock of a gateway", () => {
  test("is told from ours by its quickest answer", () => {
    const clock = new ClockOffset();
    expect(clock.aheadMs).toBe(0);
    clock.heard(undefined, 0, 10);
    expect(clock.aheadMs).toBe(0);
    clock.heard(5_200, 100, 300);
    expect(clock.aheadMs).toBe(5_000);
    clock.heard(5_303, 300, 302);
    expect(clock.aheadMs).toBe(5_002);
    clock.heard(9_999, 400, 500);
    expect(clock.aheadMs).toBe(5_002);
  });
});
