import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadPlan } from "../../src/cli/load-plan.ts";
import { stackAccess } from "../../src/cli/stack-access.ts";
import { streamChat } from "../../src/cli/stream-chat.ts";
import { emulatorManifests } from "../../src/emulator/manifests.ts";
import { stackFiles } from "../../src/infra/stack/stack-files.ts";
import { kubeClient } from "../../src/kube/client.ts";
import { kubeObjects } from "../../src/kube/objects.ts";
import { plug, unplug } from "../../src/machines/local/faults.ts";
import type { Remote } from "../../src/machines/server/remote.ts";
import { clusterObstacle } from "../support/cluster-obstacle.ts";
import { type ForeignServers, foreignServers, WEIGHTS } from "../support/foreign-servers.ts";
import { changedSince, listServer } from "../support/server-listing.ts";

const obstacle = clusterObstacle();
if (obstacle) process.stderr.write(`skipped: ${obstacle}\n`);

const STACK = "foreign";
const PODS = { podCidr: "10.218.0.0/16", serviceCidr: "10.219.0.0/16" };

// Each of these is real for the programs on the server; a clock of its own no container can have, so `date` tells it.
const SPOIL = `
printf 'Filename Type Size Used Priority\\n/dev/sda3 partition 8388604 0 -2\\n' > /run/swaps
mount --bind /run/swaps /proc/swaps
printf 'ID=fedora\\nVERSION_ID=44\\nPRETTY_NAME="Fedora Linux 44"\\n' > /run/release
mount --bind /run/release "$(readlink -f /etc/os-release)"
mkdir /var/lib/kubelet
mount -t tmpfs -o size=20m tmpfs /var/lib/kubelet
mount --bind /bin/false /usr/bin/nvidia-smi
printf '#!/bin/sh\\nexec /bin/date -d "10 minutes" "$@"\\n' > /usr/local/sbin/date
chmod 755 /usr/local/sbin/date
systemd-run -q --unit squatter socat TCP-LISTEN:10250,fork,reuseaddr /dev/null
for i in {1..50}; do [ -z "$(ss -Hltn 'sport = :10250')" ] || break; sleep 0.1; done`;
const MEND = `
systemctl stop squatter; systemctl reset-failed squatter
umount /proc/swaps "$(readlink -f /etc/os-release)" /var/lib/kubelet /usr/bin/nvidia-smi
rmdir /var/lib/kubelet; rm /run/swaps /run/release /usr/local/sbin/date`;

describe.skipIf(obstacle !== null)("provision: ssh, on servers that somebody else owns", () => {
  let servers: ForeignServers;
  let spec: string;
  let before: string[];
  const remote = (name: string): Remote => servers.remotes[name] as Remote;
  const write = (identityFile: string) =>
    writeFileSync(
      spec,
      `name: ${STACK}
provision: { kind: ssh, identityFile: ${identityFile}, knownHosts: ./known_hosts, devicePlugin: none }
servers:
  gpu-a: { address: 10.235.7.11 }
  gpu-b: { address: 10.235.7.12 }
controlPlane: { cp-1: { address: 10.235.7.10 } }
groups: { a: [gpu-a, gpu-b] }
model: { preset: deepseek-v3, weights: ${WEIGHTS} }
engine: { image: "${servers.engineImage}", resources: { cpu: 1, memoryGiB: 1, shmGiB: 0.125 } }
network: { interface: eth0, podCidr: ${PODS.podCidr}, serviceCidr: ${PODS.serviceCidr} }
failover: { standby: none }
gateway: { address: 10.235.7.100, on: [cp-1, gpu-a] }
protect: false
`,
    );

  beforeAll(async () => {
    servers = await foreignServers("owner", "10.235.7.0/24", ["cp-1", "gpu-a", "gpu-b"], PODS);
    spec = join(servers.folder, `${STACK}.yaml`);
    write("./id");
    await servers.tandem(["down", spec]);
    // A server whose images come over SSH; the others have them already.
    await remote("gpu-a").run("ctr -n k8s.io images rm registry.k8s.io/pause:3.10.2 > /dev/null");
    before = await listServer(remote("gpu-a"));
  });
  afterAll(async () => {
    await servers?.tandem(["down", spec]);
    await servers?.end();
  });

  test("an edit of the spec while `up` runs is refused", async () => {
    const edited = await servers.tandem(["up", spec], (line) => {
      if (line.includes("container images: done")) writeFileSync(spec, `${readFileSync(spec, "utf8")}# edited\n`);
    });
    expect(edited.exitCode, edited.text).toBe(2);
    expect(edited.text).toMatch(/was edited while[\s\S]*nothing was changed[\s\S]*fix: run[\s\S]*\[E_SPEC_CHANGED\]/);
  });

  test("everything that is wrong is told in one run, which changes nothing", async () => {
    const [cp] = readFileSync(servers.knownHosts, "utf8").split("\n");
    const right = readFileSync(servers.knownHosts, "utf8");
    // gpu-b shows another key than the one that is pinned, the control plane's server is not there.
    writeFileSync(servers.knownHosts, right.replace(/^10\.235\.7\.12 .*$/m, String(cp).replace("7.10 ", "7.12 ")));
    await remote("gpu-a").run(SPOIL);
    await unplug(servers.engine, servers.owner, "cp-1");
    try {
      const { exitCode, text } = await servers.tandem(["up", spec]);
      expect(exitCode, text).toBe(2);
      const told = text.split("Diagnostics:")[1] ?? "";
      for (const code of ["E_SWAP", "E_OS", "E_DISK", "E_GPU_COUNT", "E_CLOCK", "E_PORT_TAKEN"]) {
        expect(told).toMatch(new RegExp(`gpu-a: .+: .+\\n +fix: .+ {2}\\[${code}\\]`));
      }
      expect(told).toMatch(/gpu-b: no SSH connection[\s\S]+another host key[\s\S]+fix: [\s\S]+\[E_SSH_HOST_CHANGED\]/);
      expect(told).toMatch(
        /cp-1: no SSH connection[\s\S]+no answer from 10\.235\.7\.10[\s\S]+fix: [\s\S]+\[E_SSH_DOWN\]/,
      );
      expect(told).not.toMatch(/serializing|failed to register|at .*\.[jt]s:\d/);
    } finally {
      await plug(servers.engine, servers.owner, "cp-1");
      writeFileSync(servers.knownHosts, right);
      await remote("gpu-a").run(MEND);
    }
    expect(await listServer(remote("gpu-a"))).toEqual(before);
  });

  test("a key that the servers do not know is named", async () => {
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(servers.folder, "other")]);
    write("./other");
    const { exitCode, text } = await servers.tandem(["up", spec]);
    write("./id");
    expect(exitCode).toBe(2);
    expect(text).toMatch(/gpu-b: no SSH connection[\s\S]+fix: [\s\S]+\[E_SSH_KEY\]/);
  });

  /** What an operator of GPU servers installs: their device plugin, as soon as there is a cluster. */
  async function installDevicePlugin(signal: AbortSignal): Promise<void> {
    const { kubeconfig } = stackFiles(STACK);
    while (!existsSync(kubeconfig)) await delay(200, undefined, { signal });
    const client = kubeClient(readFileSync(kubeconfig, "utf8"));
    try {
      for (const manifest of emulatorManifests(loadPlan(spec).plan)) {
        await kubeObjects(client).apply(manifest, { fieldManager: "operator" });
      }
    } finally {
      await client.close();
    }
  }

  test("once it is mended, `up` goes on: a cluster, a group, and a gateway that answers", async () => {
    const stop = new AbortController();
    const plugin = installDevicePlugin(stop.signal);
    const began = performance.now();
    const { exitCode, text } = await servers.tandem(["up", spec]);
    stop.abort();
    expect(exitCode, text.slice(-3000)).toBe(0);
    await plugin;
    process.stdout.write(`up by ssh: ${((performance.now() - began) / 1000).toFixed(1)} s\n`);
    expect(await remote("gpu-a").run("cat /var/lib/tandem/images")).toContain("registry.k8s.io/pause:3.10.2");
    const { record, apiKey, admin, plan } = await stackAccess(STACK);
    let answer = "";
    const request = { baseUrl: record.baseUrl, apiKey, model: plan.model.servedName, prompt: "answer=3", maxTokens: 3 };
    for await (const { content } of streamChat(request)) answer += content;
    expect(answer).toMatch(/^([0-9a-f]{4})-0 \1-1 \1-2 $/);
    // Closed to strangers, open to this computer, whichever server holds the address.
    for (const url of Object.values(admin.replicas)) expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });

  test("another stack gets none of these servers, and what takes it down leaves them alone", async () => {
    const other = join(servers.folder, "second.yaml");
    writeFileSync(other, readFileSync(spec, "utf8").replace(`name: ${STACK}`, "name: second"));
    await remote("gpu-b").run("touch /run/marker; sleep 0.01");
    try {
      const { exitCode, text } = await servers.tandem(["up", other]);
      expect(exitCode, text).toBe(2);
      const told = text.split("Diagnostics:")[1] ?? "";
      for (const name of ["cp-1", "gpu-a", "gpu-b"])
        expect(told).toMatch(new RegExp(`${name}[^\\n]*${STACK}[\\s\\S]+\\[E_SERVER_TAKEN\\]`));
    } finally {
      const down = await servers.tandem(["down", other]);
      expect(down.exitCode, down.text.slice(-2000)).toBe(0);
    }
    expect(await changedSince(remote("gpu-b"), "/run/marker")).toEqual([]);
    const { admin } = await stackAccess(STACK);
    for (const url of Object.values(admin.replicas)) expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });

  test("a second run changes nothing, and down leaves the server as it was", async () => {
    const again = await servers.tandem(["up", spec]);
    expect(again.text).toMatch(/Resources:\n +\d+ unchanged/);
    const down = await servers.tandem(["down", spec]);
    expect(down.exitCode, down.text.slice(-2000)).toBe(0);
    expect(await listServer(remote("gpu-a"))).toEqual(before);
  });
});
