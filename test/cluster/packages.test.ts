import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { NodeConfig } from "../../src/machines/server/node-config.ts";
import { preflight } from "../../src/machines/server/preflight.ts";
import { prepareServer } from "../../src/machines/server/prepare.ts";
import type { Remote } from "../../src/machines/server/remote.ts";
import { resetServer } from "../../src/machines/server/reset.ts";
import { clusterObstacle } from "../support/cluster-obstacle.ts";
import { giveApt } from "../support/server-apt.ts";
import { type ServerStack, startServerStack } from "../support/server-stack.ts";

const obstacle = clusterObstacle();
if (obstacle) process.stderr.write(`skipped: ${obstacle}\n`);

/** All that `packages.sh` looks for and that a server may lack; the rest is part of every Debian that boots. */
const NEEDED = ["containerd", "runc", "nftables", "iptables", "conntrack", "containernetworking-plugins", "keepalived"];
const LISTING = `
dpkg-query --show --showformat '\${Package} \${Version} \${db:Status-Abbrev}\\n'
find /etc /usr /opt -xdev -not -path '/opt/baked/*' -not -path '/etc/ssl/*' -not -name '*.cache' | sort
ls /var/lib /run
systemctl list-unit-files --no-pager --no-legend | awk '{ print "unit", $1, $2 }'`;

describe.skipIf(obstacle !== null)("packages", () => {
  let stack: ServerStack;
  let server: Remote;
  let folder: string;
  const list = async () => (await server.run(LISTING)).split("\n");
  const config = (): NodeConfig => {
    const { address, name } = server.target;
    const whole = stack.nodeConfig(server);
    return {
      ...whole,
      // One is enough to see that containerd takes it.
      images: whole.images.filter(({ references }) => references.some((reference) => reference.includes("pause"))),
      gateway: {
        address: "10.233.9.100",
        prefixLength: 24,
        interface: "eth0",
        adminPort: 9478,
        replicas: [{ name, address }],
      },
    };
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "tandem-packages-"));
    stack = await startServerStack("packages-test", "10.233.9.0/24", 0);
    server = stack.controlPlane;
    await server.run(
      `dpkg --purge --force-depends ${NEEDED.join(" ")} > /dev/null 2>&1; rm -rf /var/lib/containerd /run/containerd`,
    );
  });
  afterAll(async () => {
    await stack?.close();
    await rm(folder, { recursive: true, force: true });
  });

  test("without apt the server is refused, and everything that is missing is named", async () => {
    const { address } = server.target;
    const { findings } = await preflight(server, {
      role: "control-plane",
      address,
      gpus: 0,
      peers: [],
      ports: [],
      local: true,
    });
    const missing = findings.find(({ code }) => code === "E_PACKAGES");
    expect(missing?.why).toBe("containerd, runc, nft, iptables, conntrack, and there is no apt-get");
  });

  test("with apt it gets them and serves, a second run changes nothing, and reset takes them away again", async () => {
    await giveApt(server, folder, NEEDED);
    const before = await list();
    const began = performance.now();
    const first = await prepareServer(server, config());
    process.stdout.write(`packages: ${((performance.now() - began) / 1000).toFixed(1)} s\n`);
    expect(first.find(({ step }) => step === "packages")?.state).toBe("done");
    expect(
      await server.run(
        "systemctl is-active containerd; ctr version > /dev/null; keepalived --version 2>&1 | sed -n 1p",
      ),
    ).toMatch(/^active\nKeepalived/);
    expect((await prepareServer(server, config())).map(({ state }) => state)).toEqual(first.map(() => "present"));
    await resetServer(server);
    const [after, was] = [await list(), new Set(before)];
    expect(after.filter((line) => !was.has(line))).toEqual([]);
    const is = new Set(after);
    expect(before.filter((line) => !is.has(line))).toEqual([]);
  });
});
