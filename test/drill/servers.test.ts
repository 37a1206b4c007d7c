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
import { scriptText } from "../../src/drill/servers/scripts.ts";
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
    const deed = at(/^(kill -(STOP|KILL)|nft -f |mv |ip link set|for file in .* > )/);
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

// A RoCE card in a network and a file system of its own; `ip` and the kernel are the real ones.
const CARD = `
mount -t tmpfs tmpfs /sys/class; mount -t tmpfs tmpfs /run
card=/sys/class/infiniband/mlx5_0
mkdir -p $card/ports/1 $card/device/net/roce0 /run/bin
echo "$LAYER" > $card/ports/1/link_layer
printf '#!/bin/sh\\necho "$@" >> /run/timers\\n' > /run/bin/systemd-run
printf '#!/bin/sh\\n' > /run/bin/systemctl
chmod 755 /run/bin/*
PATH=/run/bin:$PATH
ip link add roce0 type veth peer name far0
ip link set far0 up; ip link set roce0 up
ip address add 10.9.0.1/24 dev roce0
ip route add 10.77.0.0/16 via 10.9.0.2 dev roce0
show() { echo "$1: $(ip -o link show roce0 | grep -o 'state [A-Z]*') $(ip route show dev roce0 | tr -d '\\n')"; }
seconds=120 chance=0 devices=
`;

describe.skipIf(process.getuid?.() !== 0)("the port of a RoCE card", () => {
  const run = (env: { INTERFACE: string; LAYER?: string }) =>
    execa("unshare", ["-mn", "bash", "-euo", "pipefail"], {
      input: `${CARD}interface=$INTERFACE\n{\n${scriptText("ib-down")}\n} <<< go\nshow down\nbash "$folder/undo"\nshow up\ncat /run/timers; ls "$folder"\n`,
      env: { LAYER: "Ethernet", ...env },
      reject: false,
      all: true,
    });

  test("goes down, and comes back with its routes", async () => {
    const { all, exitCode } = await run({ INTERFACE: "eth0" });
    expect(all).toMatch(
      /^ready port mlx5_0\/1 went down\ndown: state DOWN\s*\nup: state UP .*10\.77\.0\.0\/16 via 10\.9\.0\.2/,
    );
    expect(all.split("\n").at(-1), "the timer is set, and nothing is left").toMatch(
      /--on-active=120s .* bash \S+undo$/,
    );
    expect(exitCode).toBe(0);
  });

  test.each([
    [{ INTERFACE: "roce0" }, /roce0 is also the way to this server/],
    [{ INTERFACE: "eth0", LAYER: "InfiniBand" }, /is InfiniBand.*at the switch/],
  ])("stays up with %o", async (env, why) => {
    const { all, exitCode } = await run(env);
    expect(all).toMatch(why);
    expect(all).not.toMatch(/ready|state DOWN/);
    expect(exitCode).toBe(70);
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
