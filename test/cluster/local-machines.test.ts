import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { engineDir, tandemHome } from "../../src/machines/home.ts";
import { writeImage } from "../../src/machines/images/write-image.ts";
import { cgroupParent } from "../../src/machines/local/cgroups.ts";
import { cleanLocal } from "../../src/machines/local/clean.ts";
import { createContainer, inspectContainer, removeContainer } from "../../src/machines/local/container.ts";
import { ENGINE_PACKAGES, unpackDebianPackages } from "../../src/machines/local/debian-packages.ts";
import { type Engine, ensureEngine, findEngine } from "../../src/machines/local/engine.ts";
import { cutPower, freeze, plug, startPower, thaw, unplug } from "../../src/machines/local/faults.ts";
import { gpuSeed } from "../../src/machines/local/gpu-seed.ts";
import { bridgeName, containerName } from "../../src/machines/local/labels.ts";
import { createMachine, deleteMachine, listMachines, readMachine } from "../../src/machines/local/machine.ts";
import { ensureMachineImage } from "../../src/machines/local/machine-image.ts";
import { type MachineRequest, machineLabels } from "../../src/machines/local/machine-record.ts";
import { assertNetworkFits, ensureNetwork } from "../../src/machines/local/network.ts";
import { sshAnswers } from "../../src/machines/local/ssh-answers.ts";
import { clusterObstacle } from "../support/cluster-obstacle.ts";
import { type HostTrace, hostTrace, traceDifference } from "../support/host-trace.ts";
import { daemonPid } from "../support/strikes.ts";

const obstacle = clusterObstacle();
if (obstacle) process.stderr.write(`skipped: ${obstacle}\n`);

const stack = "machines-test";
const network = { name: stack, subnet: "10.239.231.0/24", podCidr: "10.177.0.0/16", serviceCidr: "10.178.0.0/16" };
const running = ["m1 running", "m2 running", "m3 running"];
const addressOf = (last: number) => `10.239.231.${last}`;

// A home of its own: the test takes the daemon down, and must not take a running cluster with it.
const home = join(tandemHome(), `test-machines-${process.pid}`);
// Other stacks may live on this computer: what is theirs by path, cgroup, bridge or network.
const ownBridge = bridgeName({ home }, stack);
const others = new RegExp(
  `${tandemHome()}/(?!test-machines-${process.pid})|${cgroupParent(tandemHome())}|veth|/docker/|tandem-(?!${ownBridge.slice(7)})[0-9a-f]{8}\\b|\\b10\\.(?!(239|17[5-9])\\.)`,
);
const firewallPath = join(engineDir(home), "root/usr/sbin");

describe.skipIf(obstacle !== null)("local machines", () => {
  let engine: Engine;
  let image: string;
  let key: string;
  let authorizedKey: string;
  let before: HostTrace;

  const request = (name: string, last: number): MachineRequest => {
    return { stack, name, address: addressOf(last), role: "gpu", gpus: 8, authorizedKey, image };
  };

  beforeAll(async () => {
    // The engine of this test is always its own, also where a Docker runs.
    process.env.TANDEM_ENGINE = "private";
    mkdirSync(home, { recursive: true });
    key = join(home, "id");
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key]);
    authorizedKey = readFileSync(`${key}.pub`, "utf8");
    await unpackDebianPackages(engineDir(home), ENGINE_PACKAGES);
    before = hostTrace(home, firewallPath, others);
    engine = await ensureEngine({ home });
    const files = [{ path: "hello", content: "baked" }];
    const archive = await writeImage({ reference: "registry.k8s.io/hello:v1", files }, join(home, "hello.tar"));
    image = (await ensureMachineImage(engine, { archives: [archive] })).reference;
    await ensureNetwork(engine, network);
  });

  afterAll(async () => {
    await cleanLocal(stack, { home, purge: true });
    rmSync(home, { recursive: true, force: true });
  });

  /** Runs a script on a machine through SSH with its pinned key, as the preparation of servers does. */
  async function ssh(machine: { address: string; hostKey: string }, script: string, identity = key) {
    const known = join(mkdtempSync(join(home, "known-")), "hosts");
    writeFileSync(known, `${machine.address} ${machine.hostKey}\n`);
    const options = ["BatchMode=yes", `UserKnownHostsFile=${known}`, "StrictHostKeyChecking=yes", "ConnectTimeout=5"];
    const args = [
      "-F",
      "/dev/null",
      "-i",
      identity,
      ...options.flatMap((option) => ["-o", option]),
      `root@${machine.address}`,
      script,
    ];
    return execa("ssh", args, { reject: false });
  }

  it("boots machines at once, each with its own identity, open to one key only", async () => {
    const machines = await Promise.all(
      ["m1", "m2", "m3"].map((name, at) => createMachine(engine, request(name, 11 + at))),
    );
    const probe =
      "hostname; cat /etc/machine-id /proc/sys/kernel/random/boot_id; stat -c %F /dev/kmsg; cat /etc/tandem/machine.json; systemctl is-system-running --wait; findmnt -no FSTYPE /var";
    const answers = await Promise.all(machines.map((machine) => ssh(machine, probe)));
    const lines = answers.map(({ stdout, stderr }) => (stdout || stderr).split("\n"));
    expect(lines.map((line) => line[0])).toEqual(["m1", "m2", "m3"]);
    expect(new Set(lines.map((line) => line[1])).size, "machine ids").toBe(3);
    expect(new Set(lines.map((line) => line[2])).size, "boot ids").toBe(3);
    expect(new Set(machines.map(({ hostKey }) => hostKey)).size, "host keys").toBe(3);
    for (const [at, line] of lines.entries()) {
      expect(line.slice(3, 6)).toEqual([
        "regular file",
        JSON.stringify({
          name: `m${at + 1}`,
          role: "gpu",
          gpus: 8,
          address: addressOf(11 + at),
          seed: gpuSeed(`m${at + 1}`),
        }),
        "running",
      ]);
      expect(line[6], "an overlay cannot lie on an overlay").not.toBe("overlay");
    }
    const other = join(home, "other");
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", other]);
    const refused = await ssh(machines[0] as (typeof machines)[0], "true", other);
    expect(refused.stderr).toContain("Permission denied (publickey)");
    const swapped = await ssh({ address: addressOf(11), hostKey: machines[1]?.hostKey ?? "" }, "true");
    expect(swapped.stderr).toContain("Host key verification failed");
  });

  it("lists them on the command line", async () => {
    const launcher = join(import.meta.dirname, "../../bin/tandem");
    const args = [launcher, "machines", "--stack", stack, "--output", "json"];
    const { stdout } = await execa(process.execPath, args, { env: { TANDEM_HOME: home } });
    const row = {
      name: "m1",
      container: containerName(stack, "m1"),
      address: addressOf(11),
      role: "gpu",
      state: "running",
    };
    const rows = JSON.parse(stdout) as (typeof row)[];
    expect(rows.map(({ name }) => name)).toEqual(["m1", "m2", "m3"]);
    expect(rows[0]).toEqual(row);
  });

  it("has the container images in containerd without a copy of their layers", async () => {
    const machine = await createMachine(engine, request("m1", 11));
    const list = await ssh(
      machine,
      "ctr -n k8s.io images ls -q; ctr -n k8s.io images ls | grep -c tandem.dev/archive=",
    );
    expect(list.stdout.split("\n")).toEqual(expect.arrayContaining(["registry.k8s.io/hello:v1", "1"]));
    const read =
      "mkdir /run/look && ctr -n k8s.io images mount registry.k8s.io/hello:v1 /run/look >/dev/null && cat /run/look/hello";
    expect((await ssh(machine, read)).stdout).toBe("baked");
    const links = "readlink -f /var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/1";
    expect((await ssh(machine, links)).stdout).toBe("/opt/baked/snapshots/1");
  });

  it("keeps tests inside: no outside name, no route out, none back when the bridge is gone", async () => {
    const machine = await createMachine(engine, request("m1", 11));
    const lookup = await ssh(machine, "getent hosts deb.debian.org || echo none");
    expect(lookup.stdout).toBe("none");
    expect(lookup.durationMs, "refused, not timed out").toBeLessThan(2_000);
    // Answers at once or not at all: a host that forwarded would send it to its default route.
    expect((await ssh(machine, "ping -c 1 -W 1 192.0.2.77 >/dev/null && echo out || echo in")).stdout).toBe("in");
    const route = (address: string) => execa("ip", ["route", "get", address], { reject: false });
    expect((await route(addressOf(11))).stdout).toContain("dev tandem-");
    expect((await route("10.177.3.4")).stderr).toContain("Invalid argument");
  });

  it("is the same machine when asked again, also frozen or off", async () => {
    const first = await createMachine(engine, request("m1", 11));
    const started = async () => (await inspectContainer(engine.api, first.container))?.State.StartedAt;
    const at = await started();
    expect(await createMachine(engine, request("m1", 11))).toEqual(first);
    expect(await started()).toBe(at);
    await freeze(engine, stack, "m1");
    expect((await readMachine(engine, stack, "m1"))?.state).toBe("paused");
    expect(await createMachine(engine, request("m1", 11))).toEqual(first);
    await cutPower(engine, stack, "m1");
    expect((await readMachine(engine, stack, "m1"))?.state).toBe("exited");
    expect(await createMachine(engine, request("m1", 11))).toEqual(first);
    await expect(createMachine(engine, { ...request("m1", 11), gpus: 4 })).rejects.toMatchObject({
      code: "E_MACHINE_DIFFERS",
    });
  });

  it("finishes a half-made machine and leaves a foreign container alone", async () => {
    const half = request("half", 21);
    const spec = { Image: image, Labels: machineLabels(engine, half), HostConfig: {} };
    await createContainer(engine.api, containerName(stack, "half"), spec);
    const machine = await createMachine(engine, half);
    expect((await ssh(machine, "hostname")).stdout).toBe("half");
    await deleteMachine(engine, stack, "half");
    await deleteMachine(engine, stack, "half");

    const foreign = await createContainer(engine.api, containerName(stack, "foreign"), {
      Image: image,
      Labels: {},
      HostConfig: {},
    });
    await expect(createMachine(engine, request("foreign", 22))).rejects.toMatchObject({ code: "E_MACHINE_FOREIGN" });
    await expect(deleteMachine(engine, stack, "foreign")).rejects.toMatchObject({ code: "E_MACHINE_FOREIGN" });
    expect((await inspectContainer(engine.api, foreign))?.State.Status).toBe("created");
    expect((await listMachines(engine, stack)).map(({ name }) => name)).toEqual(["m1", "m2", "m3"]);
    await removeContainer(engine.api, foreign);
  });

  it("refuses a taken address and a taken subnet before anything changes", async () => {
    await expect(createMachine(engine, request("twin", 11))).rejects.toMatchObject({ code: "E_ADDRESS_TAKEN" });
    await deleteMachine(engine, stack, "twin");
    const now = hostTrace(home, firewallPath, others);
    const taken = {
      name: "machines-taken",
      subnet: "10.239.0.0/16",
      podCidr: "10.175.0.0/16",
      serviceCidr: "10.176.0.0/16",
    };
    await expect(ensureNetwork(engine, taken)).rejects.toMatchObject({ code: "E_SUBNET_TAKEN" });
    await expect(ensureNetwork(engine, { ...network, subnet: "10.234.0.0/24" })).rejects.toMatchObject({
      code: "E_NETWORK_DIFFERS",
    });
    expect(traceDifference(now, hostTrace(home, firewallPath, others))).toEqual([]);
  });

  it("pulls the cable and plugs it in: the machine runs on, unheard", async () => {
    const machine = await createMachine(engine, request("m2", 12));
    await unplug(engine, stack, "m2");
    expect(await sshAnswers(machine.address, 500)).toBe(false);
    expect((await readMachine(engine, stack, "m2"))?.state).toBe("running");
    await plug(engine, stack, "m2");
    await expect.poll(() => sshAnswers(machine.address, 500), { timeout: 10_000 }).toBe(true);
  });

  it("freezes every process while the kernel still accepts connections", async () => {
    const machine = await createMachine(engine, request("m2", 12));
    await freeze(engine, stack, "m2");
    const socket = connect({ host: machine.address, port: 22 });
    await once(socket, "connect");
    expect(await sshAnswers(machine.address, 500), "no greeting from a frozen sshd").toBe(false);
    await thaw(engine, stack, "m2");
    await expect.poll(() => sshAnswers(machine.address, 500), { timeout: 10_000 }).toBe(true);
    socket.destroy();
  });

  it("cuts the power without a last word to the peers, and boots the same machine again", async () => {
    const machine = await createMachine(engine, request("m3", 13));
    await ssh(machine, "echo kept >/var/kept; echo 'NVRM: Xid' >/dev/kmsg");
    const bootId = (await ssh(machine, "cat /proc/sys/kernel/random/boot_id")).stdout;
    const socket = connect({ host: machine.address, port: 22 });
    await once(socket, "data");
    const heard: string[] = [];
    for (const event of ["end", "error", "close"]) socket.on(event, () => heard.push(event));
    const { startedAtMs, doneAtMs } = await cutPower(engine, stack, "m3");
    expect(doneAtMs - startedAtMs).toBeLessThan(5_000);
    await delay(1_500);
    expect(heard, "a dead machine sends neither FIN nor RST").toEqual([]);
    socket.destroy();

    await startPower(engine, stack, "m3");
    const again = await createMachine(engine, request("m3", 13));
    expect(again.hostKey).toBe(machine.hostKey);
    const after = (
      await ssh(again, "cat /proc/sys/kernel/random/boot_id /var/kept; grep -c Xid /dev/kmsg")
    ).stdout.split("\n");
    expect(after[0]).not.toBe(bootId);
    expect(after.slice(1), "disk kept, kernel log begun anew").toEqual(["kept", "0"]);
  });

  it("gets its daemon back after kill -9, with machines that never stopped", async () => {
    const at = (await inspectContainer(engine.api, containerName(stack, "m1")))?.State.StartedAt;
    const pid = daemonPid(home);
    process.kill(pid, "SIGKILL");
    await expect.poll(() => existsSync(`/proc/${pid}`)).toBe(false);
    expect(await sshAnswers(addressOf(11), 1_000), "machines live without the daemon").toBe(true);
    expect(await findEngine({ home })).toBeUndefined();
    // What `tandem up` asks first: its own network is in nobody's way, that of another stack is.
    await assertNetworkFits(undefined, network, home);
    await expect(assertNetworkFits(undefined, { ...network, name: "other" }, home)).rejects.toMatchObject({
      code: "E_SUBNET_TAKEN",
    });
    engine = await ensureEngine({ home });
    expect((await listMachines(engine, stack)).map(({ name, state }) => `${name} ${state}`)).toEqual(running);
    expect((await inspectContainer(engine.api, containerName(stack, "m1")))?.State.StartedAt).toBe(at);
  });

  it("uses a Docker that runs here already, beside the machines of somebody else, and refuses one far away", async () => {
    const guest = join(home, "guest");
    const env = { TANDEM_ENGINE: process.env.TANDEM_ENGINE, DOCKER_HOST: process.env.DOCKER_HOST };
    try {
      delete process.env.TANDEM_ENGINE;
      process.env.DOCKER_HOST = "tcp://10.1.2.3:2376";
      await expect(ensureEngine({ home: guest })).rejects.toMatchObject({ code: "E_ENGINE_REMOTE" });
      process.env.DOCKER_HOST = engine.dockerHost;
      const host = await ensureEngine({ home: guest });
      expect(host).toMatchObject({ kind: "host", socketPath: engine.socketPath });
      await expect(ensureNetwork(host, network)).rejects.toMatchObject({ code: "E_NETWORK_FOREIGN" });
      const small = { name: "guest", subnet: "10.179.1.0/24", podCidr: "10.179.2.0/24", serviceCidr: "10.179.3.0/24" };
      await ensureNetwork(host, small);
      await createMachine(host, { ...request("g1", 9), stack: "guest", address: "10.179.1.9" });
      await expect(createMachine(host, request("m1", 11))).rejects.toMatchObject({ code: "E_MACHINE_FOREIGN" });
      expect((await listMachines(host)).map(({ name }) => name)).toEqual(["g1"]);
      await host.api.close();
      await cleanLocal("guest", { home: guest, purge: true });
      expect(await readMachine(engine, "guest", "g1")).toBeUndefined();
      expect((await listMachines(engine)).map(({ name, state }) => `${name} ${state}`)).toEqual(running);
    } finally {
      for (const [name, value] of Object.entries(env)) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
    }
  });

  it("leaves the computer as it was, also after a kill in the middle of making machines", async () => {
    const program = join(home, "make.ts");
    const source = (path: string) => JSON.stringify(join(import.meta.dirname, "../../src/machines/local", path));
    writeFileSync(
      program,
      `import { ensureEngine } from ${source("engine.ts")};
import { createMachine } from ${source("machine.ts")};
const engine = await ensureEngine({ home: ${JSON.stringify(home)} });
console.log("going");
await Promise.all(${JSON.stringify([request("k1", 31), request("k2", 32)])}.map((request) => createMachine(engine, request)));`,
    );
    const child = spawn(process.execPath, [program], { stdio: ["ignore", "pipe", "inherit"] });
    await once(child.stdout, "data");
    await delay(150);
    child.kill("SIGKILL");
    await once(child, "exit");
    await engine.api.close();
    // What dockerd does to a containerd that answers too late, on a busy computer: it has it write down its stacks.
    const exec = join(engineDir(home), "exec");
    process.kill(Number(readFileSync(join(exec, "containerd/containerd.pid"), "utf8")), "SIGUSR1");
    await expect.poll(() => readdirSync(exec).some((name) => name.endsWith(".stacks.log"))).toBe(true);
    await cleanLocal(stack, { home });
    expect(traceDifference(before, hostTrace(home, firewallPath, others))).toEqual([]);
    await cleanLocal(stack, { home });
  });
});
