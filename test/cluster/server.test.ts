import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { TandemError } from "../../src/errors.ts";
import {
  type ControlPlane,
  initControlPlane,
  readControlPlane,
  settleControlPlane,
} from "../../src/machines/server/control-plane.ts";
import { restoreEtcd, snapshotEtcd } from "../../src/machines/server/etcd.ts";
import { filesStep } from "../../src/machines/server/files-step.ts";
import type { Expectation } from "../../src/machines/server/judge-server.ts";
import { preflight } from "../../src/machines/server/preflight.ts";
import { prepareServer } from "../../src/machines/server/prepare.ts";
import type { Remote } from "../../src/machines/server/remote.ts";
import { removeNode } from "../../src/machines/server/remove-node.ts";
import { resetServer } from "../../src/machines/server/reset.ts";
import type { StepReport } from "../../src/machines/server/step.ts";
import { joinWorker } from "../../src/machines/server/worker.ts";
import { clusterObstacle } from "../support/cluster-obstacle.ts";
import { type ExistingStack, existingStack } from "../support/existing-stack.ts";
import { provideEngine } from "../support/foreign-servers.ts";
import { changedSince, listServer } from "../support/server-listing.ts";
import { type ServerStack, startServerStack } from "../support/server-stack.ts";

const obstacle = clusterObstacle();
if (obstacle) process.stderr.write(`skipped: ${obstacle}\n`);

/** Asks again until it is true: the cluster tells nobody when a route or a rule has come. */
async function eventually(what: string, question: () => Promise<boolean>, limitMs = 30_000): Promise<number> {
  const began = performance.now();
  while (performance.now() - began < limitMs) {
    if (await question()) return Math.round(performance.now() - began);
    await delay(100);
  }
  throw new Error(`${what}: not within ${limitMs} ms`);
}

function connects(host: string, port: number, timeoutMs = 1_500): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host, port });
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(timeoutMs, () => end(false));
    socket.once("connect", () => end(true));
    socket.once("error", () => end(false));
  });
}

const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.unreachable("it should have failed"),
    (error) => error as TandemError,
  );

describe.skipIf(obstacle !== null)("servers", () => {
  let stack: ServerStack;
  let cp: Remote;
  let a: Remote;
  let b: Remote;
  let cluster: ControlPlane;
  let folder: string;
  let engineImage: string;
  const before = new Map<string, string[]>();
  const kubectl = (words: string) => cp.run(`kubectl --kubeconfig /etc/kubernetes/admin.conf ${words}`);

  const wanted = (remote: Remote, more: Partial<Expectation> = {}): Expectation => ({
    role: remote === cp ? "control-plane" : "gpu",
    address: remote.target.address,
    gpus: 0,
    peers: [cp, a, b].map(({ target }) => target.address),
    ports: [8000],
    interface: "eth0",
    local: true,
    ...more,
  });

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "tandem-server-"));
    stack = await startServerStack("server-test", "10.233.7.0/24", 2);
    cp = stack.controlPlane;
    [a, b] = stack.workers as [Remote, Remote];
    // A server's own, which no reset may take.
    engineImage = await provideEngine(a);
  });

  afterAll(async () => {
    await stack?.close();
    await rm(folder, { recursive: true, force: true });
  });

  describe("preflight", () => {
    test("bare servers are fit, and looking changes nothing", async () => {
      for (const remote of [cp, a, b]) before.set(remote.target.name, await listServer(remote));
      const reports = await Promise.all([cp, a, b].map((remote) => preflight(remote, wanted(remote))));
      expect(reports.map(({ findings }) => findings)).toEqual([[], [], []]);
      expect(await listServer(a)).toEqual(before.get("gpu-a"));
    });

    test("everything that is in the way is named at once", async () => {
      // Each of these is real for the programs on the server; only the swap and the release are files laid over others.
      await a.run(`
printf 'Filename Type Size Used Priority\\n/dev/sda3 partition 8388604 0 -2\\n' > /run/swaps
mount --bind /run/swaps /proc/swaps
printf 'ID=fedora\\nVERSION_ID=44\\nPRETTY_NAME="Fedora Linux 44"\\n' > /run/release
mount --bind /run/release "$(readlink -f /etc/os-release)"
mkdir -p /var/lib/kubelet
mount -t tmpfs -o size=20m tmpfs /var/lib/kubelet
systemd-run -q --unit squatter socat TCP-LISTEN:10250,fork,reuseaddr /dev/null
for i in {1..50}; do [ -z "$(ss -Hltn 'sport = :10250')" ] || break; sleep 0.1; done`);
      try {
        const tenMinutesOff = { now: () => Date.now() - 600_000 };
        const hard = {
          gpus: 9,
          rdmaDevices: ["mlx5_0"],
          peers: ["192.0.2.1", "10.233.7.99"],
          local: false,
          address: "10.233.7.200",
        };
        const { findings } = await preflight(a, wanted(a, hard), tenMinutesOff);
        const codes = findings.map(({ code }) => code);
        for (const code of [
          "E_SWAP",
          "E_OS",
          "E_DISK",
          "E_PORT_TAKEN",
          "E_GPU_COUNT",
          "E_RDMA",
          "E_CLOCK",
          "E_L2",
          "E_ADDRESS",
        ]) {
          expect(codes).toContain(code);
        }
        const clock = findings.find(({ code }) => code === "E_CLOCK");
        expect(clock?.why).toMatch(/^it is (599|600|601)\.\d s ahead of this machine/);
        expect(findings.find(({ code }) => code === "E_PORT_TAKEN")?.why).toBe("socat listens on it");
        expect(findings.find(({ code, what }) => code === "E_DISK" && what.includes("kubelet"))?.why).toMatch(
          /^0\.0 GiB/,
        );
        for (const { what, why, fix } of findings) expect([what, why, fix].every((text) => text.length > 3)).toBe(true);
      } finally {
        await a.run(`
systemctl stop squatter; systemctl reset-failed squatter; umount /proc/swaps "$(readlink -f /etc/os-release)" /var/lib/kubelet
rmdir /var/lib/kubelet; rm /run/swaps /run/release`);
      }
      expect(await listServer(a)).toEqual(before.get("gpu-a"));
    });
  });

  describe("a cluster", () => {
    const times: Record<string, number> = {};
    const timed = async <T>(name: string, work: Promise<T>): Promise<T> => {
      const began = performance.now();
      const result = await work;
      times[name] = Math.round(performance.now() - began);
      return result;
    };

    /** Ends kubeadm as a crash would, as soon as it has made a file. */
    const killInitAt = (file: string) =>
      cp.run('for i in {1..6000}; do [ ! -e "$file" ] || break; sleep 0.01; done; pkill -KILL -x kubeadm', {
        values: { file },
      });

    test("an init that cannot end says what etcd and the API server say", async () => {
      await timed("prepare", Promise.all([cp, a].map((remote) => prepareServer(remote, stack.nodeConfig(remote)))));
      const begin = () => failure(initControlPlane(cp, { ...stack.controlPlaneConfig, apiServerSeconds: 10 }));
      const [killed] = await Promise.all([begin(), killInitAt("/etc/kubernetes/pki/ca.crt")]);
      expect(killed.why).toContain("kubeadm init failed (it had started nothing)");
      // As if it had been killed a moment earlier: kubeadm itself would never go on from a key without its certificate.
      await cp.run("rm /etc/kubernetes/pki/ca.crt; mkdir /var/lib/etcd; mount -t tmpfs -o size=8m tmpfs /var/lib/etcd");
      const full = await begin();
      await cp.run("umount /var/lib/etcd");
      expect(full.why).toMatch(/kubeadm init failed \(the second of two tries\):\n +error: .*wait-control-plane/);
      expect(full.why).toMatch(/the kubelet is active/);
      expect(full.why).toMatch(/etcd does not run, started \d times, its last words:\n[\s\S]*?no space left on device/);
      expect(full.why).toMatch(/kube-apiserver (runs|does not run), started \d times/);
    });

    test("is made of bare servers, also when init is killed in etcd's first moment", async () => {
      const made = await timed(
        "init",
        Promise.all([
          initControlPlane(cp, stack.controlPlaneConfig),
          killInitAt("/var/lib/etcd/member/wal/0000000000000000-0000000000000000.wal"),
        ]).then(([result]) => result),
      );
      cluster = made;
      await timed("settle", settleControlPlane(cp, stack.controlPlaneConfig));
      expect(made.steps.map(({ step }) => step)).toContain("kubeadm init");
      expect(made.caHash).toMatch(/^sha256:[0-9a-f]{64}$/);
      await timed("join", joinWorker(a, cp, stack.workerConfig(a, cluster)));
      const nodes = await kubectl("get nodes --no-headers");
      expect(nodes).toMatch(/cp-1 +Ready +control-plane/);
      expect(nodes).toMatch(/gpu-a +Ready/);
      expect(await kubectl("get node gpu-a -o jsonpath='{.metadata.labels.tandem\\.dev/group}'")).toBe("a");
      await eventually("CoreDNS runs", async () =>
        /1\/1.*\n.*1\/1/.test(await kubectl("-n kube-system get pods -l k8s-app=kube-dns --no-headers")),
      );
      process.stdout.write(`${JSON.stringify(times)} ms\n`);
    });

    test("the kubeconfig, the CA hash and the names in the certificate are right", async () => {
      expect(cluster.kubeconfig).toContain(`server: https://${cp.target.address}:6443`);
      expect(await readControlPlane(cp)).toMatchObject({ caHash: cluster.caHash, endpoint: cluster.endpoint });
      expect(await readControlPlane(a)).toBeUndefined();
      const names = await cp.run("openssl x509 -in /etc/kubernetes/pki/apiserver.crt -noout -ext subjectAltName");
      expect(names).toContain("DNS:api.example.test");
    });

    test("no token outlives its join, and no secret is left in a file", async () => {
      const tokens = await cp.run("kubeadm token list -o jsonpath='{.description}{\"\\n\"}'");
      expect(tokens).not.toContain("join of gpu-a");
      expect(await a.run("ls /run/tandem.join.* 2> /dev/null || true")).toBe("");
    });

    test("pods are reached across servers, by address and by name", async () => {
      const pod = {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name: "web", labels: { app: "web" } },
        spec: {
          nodeName: "gpu-a",
          containers: [
            {
              name: "web",
              image: "registry.k8s.io/kube-proxy:v1.36.3",
              command: ["/usr/local/bin/kube-scheduler", "--help"],
            },
          ],
          restartPolicy: "Never",
        },
      };
      await cp.run("kubectl --kubeconfig /etc/kubernetes/admin.conf apply -f - > /dev/null", {
        input: JSON.stringify(pod),
      });
      await eventually(
        "the pod has run",
        async () => (await kubectl("get pod web -o jsonpath={.status.phase}")) === "Succeeded",
      );
      // The log comes from gpu-a's kubelet through the API server: port 10250 is open to the control plane.
      expect(await kubectl("logs web")).toContain("Kubernetes scheduler");
      await kubectl("delete pod web --now");
      // CoreDNS runs on the control plane's server; gpu-a asks it by its pod address and by its service address.
      const address = (
        await kubectl("-n kube-system get pods -l k8s-app=kube-dns -o jsonpath={.items[0].status.podIP}")
      ).trim();
      for (const host of [address, "10.213.0.10"]) {
        await a.run('timeout 3 bash -c "exec 3<> /dev/tcp/$host/53"', { values: { host } });
      }
    });

    test("a file that is right is not believed while what comes after it was not done", async () => {
      const files = [{ path: "/etc/tandem/restarted.conf", content: "new\n" }];
      const killed = filesStep(a, "a restart", files, { after: "exit 9" });
      await expect(killed.act(undefined)).rejects.toMatchObject({ code: "E_REMOTE" });
      expect(await a.run("cat /etc/tandem/restarted.conf")).toBe("new\n");
      const step = filesStep(a, "a restart", files, { after: "touch /run/restarted" });
      expect(await step.check(undefined)).toBe(false);
      await step.act(undefined);
      expect(await step.check(undefined)).toBe(true);
      await a.run("rm /run/restarted");
    });

    test("a second run of everything finds all done and changes no file and no object", async () => {
      for (const remote of [cp, a]) await remote.run("touch /run/marker; sleep 0.01");
      const versions = () =>
        kubectl(
          "get clusterrole/tandem:pod-network configmap/coredns configmap/kubeadm-config configmap/kubelet-config daemonset/kube-proxy deployment/coredns -n kube-system -o jsonpath='{.items[*].metadata.resourceVersion}'",
        );
      const objects = await versions();
      const reports: StepReport[][] = [];
      await timed(
        "second run",
        (async () => {
          reports.push(
            ...(await Promise.all([cp, a].map((remote) => prepareServer(remote, stack.nodeConfig(remote))))),
          );
          reports.push((await initControlPlane(cp, stack.controlPlaneConfig)).steps);
          reports.push(await settleControlPlane(cp, stack.controlPlaneConfig));
          reports.push((await joinWorker(a, cp, stack.workerConfig(a, cluster))).steps);
        })(),
      );
      expect(reports.flat().filter(({ state }) => state !== "present")).toEqual([]);
      for (const remote of [cp, a]) expect(await changedSince(remote, "/run/marker")).toEqual([]);
      expect(await versions()).toBe(objects);
      for (const remote of [cp, a]) await remote.run("rm /run/marker");
      process.stdout.write(`second run ${times["second run"]} ms\n`);
    });

    test("a join killed at every step boundary is finished by the next run", async () => {
      const input = JSON.stringify({
        target: b.target,
        controlPlane: cp.target,
        config: stack.workerConfig(b, cluster),
      });
      const child = () =>
        execa(process.execPath, [join(process.cwd(), "test/support/join-child.ts"), input], {
          reject: false,
          all: true,
        });
      const killed: string[] = [];
      // Each run is killed when a step begins that no run before it was killed in.
      for (;;) {
        const run = child();
        for await (const line of run.iterable({ from: "stdout" })) {
          const [state = "", ...step] = String(line).split(" ");
          if (state !== "running" || killed.includes(step.join(" "))) continue;
          killed.push(step.join(" "));
          run.kill("SIGKILL");
          break;
        }
        const { exitCode, all } = await run;
        if (exitCode === 0) break;
        // Ended by our signal, or by a failure of its own?
        expect(exitCode, all).toBeUndefined();
      }
      expect(killed).toEqual(
        expect.arrayContaining(["container runtime", "kubeadm join", "labels of gpu-b", "gpu-b ready"]),
      );
      expect(killed.length).toBeGreaterThanOrEqual(11);
      expect(await kubectl("get nodes --no-headers")).toMatch(/gpu-b +Ready/);
      expect(await kubectl("get node gpu-b -o jsonpath='{.metadata.labels.tandem\\.dev/group}'")).toBe("a");
    });

    test("a label that was moved stays where it was moved to, and the stack's comes back", async () => {
      await kubectl("label --overwrite node gpu-b tandem.dev/group=b tandem.dev/stack-");
      await joinWorker(b, cp, stack.workerConfig(b, cluster));
      const labels = "-o jsonpath='{.metadata.labels.tandem\\.dev/group} {.metadata.labels.tandem\\.dev/stack}'";
      expect(await kubectl(`get node gpu-b ${labels}`)).toBe("b server-test");
    });
  });

  describe("the pod network", () => {
    const routes = (remote: Remote) => remote.run("ip -4 route show proto 184 | sort");
    const routeTo = (address: string) => async () => (await routes(a)).includes(`via ${address} `);

    test("a lost route, a lost card and a restart without an API server are made good", async () => {
      const whole = await routes(a);
      expect(whole.split("\n").filter(Boolean)).toHaveLength(2);
      // A card that is taken down loses its routes; the kernel tells the service when it is back.
      await a.run("ip -4 route flush proto 184; ip link set lo down; ip link set lo up");
      await eventually("routes are back", async () => (await routes(a)) === whole);
      // What is sent to the API server is lost, as when that server has no power.
      await a.run(`nft -f - << 'end'
table inet cut {
  chain out {
    type filter hook output priority 0
    tcp dport 6443 drop
  }
}
end`);
      try {
        await a.run("systemctl stop tandem-network; ip -4 route flush proto 184; systemctl start tandem-network");
        await eventually("routes come from the file", async () => (await routes(a)) === whole);
        expect(
          await a.test(
            "timeout 2 kubectl --kubeconfig /etc/kubernetes/kubelet.conf get --raw /readyz > /dev/null || exit 1",
          ),
        ).toBe(false);
      } finally {
        await a.run("nft delete table inet cut; systemctl restart tandem-network");
      }
    });

    test("a server that leaves loses its routes on the others, without anybody telling them", async () => {
      expect(await routeTo(b.target.address)()).toBe(true);
      await removeNode(cp, "gpu-b");
      const ms = await eventually("the route is gone", async () => !(await routeTo(b.target.address)()));
      process.stdout.write(`route gone after ${ms} ms\n`);
      await removeNode(cp, "gpu-b");
    });
  });

  describe("the host firewall", () => {
    test("closes the stack's ports to strangers, and SSH to nobody", async () => {
      // This machine is a neighbour that is neither a server of the stack nor an admin.
      await a.run(
        "systemd-run -q --unit engine socat TCP-LISTEN:8000,fork,reuseaddr /dev/null; for i in {1..50}; do [ -z \"$(ss -Hltn 'sport = :8000')\" ] || break; sleep 0.1; done",
      );
      expect(await connects(a.target.address, 22)).toBe(true);
      expect(await connects(a.target.address, 8000)).toBe(false);
      expect(await connects(a.target.address, 10250)).toBe(false);
      expect(await connects(cp.target.address, 6443)).toBe(false);
      expect(await connects(cp.target.address, 2379)).toBe(false);
      await cp.run('timeout 2 bash -c "exec 3<> /dev/tcp/$host/8000"', { values: { host: a.target.address } });
      // An admin's address opens the engine's ports and the API server, not the kubelet.
      const firewall = { ...stack.nodeConfig(a).firewall, admins: [stack.network.gateway] };
      await joinWorker(a, cp, { ...stack.workerConfig(a, cluster), firewall });
      await initControlPlane(cp, { ...stack.controlPlaneConfig, firewall });
      await eventually("the engine's port is open", () => connects(a.target.address, 8000));
      expect(await connects(cp.target.address, 6443)).toBe(true);
      expect(await connects(a.target.address, 10250)).toBe(false);
      // socat may end with an error of its own when it is stopped; a unit that failed would stay in the list.
      await a.run("systemctl stop engine; systemctl reset-failed engine 2> /dev/null || true");
    });
  });

  describe("provision: existing", () => {
    const columns =
      "-o jsonpath='{.metadata.labels.tandem\\.dev/group} {.metadata.labels.tandem\\.dev/stack} {.metadata.annotations.tandem\\.dev/stack} {.metadata.annotations.tandem\\.dev/labelled}'";
    let joined: ExistingStack;

    test("a node that another stack has, and one that is not there, are named", async () => {
      const node = { name: "gpu-a", address: a.target.address };
      joined = existingStack(folder, "joined", { kubeconfig: cluster.kubeconfig, node, engineImage });
      joined.write({ "gpu-z": "10.233.7.99" });
      await joined.installDevicePlugin();
      const { exitCode, text } = await joined.tandem("up");
      expect(exitCode, text).toBe(2);
      const told = text.split("Diagnostics:")[1] ?? "";
      expect(told).toMatch(/node gpu-a is a server of another stack[\s\S]+fix: take it out[\s\S]+\[E_NODE_TAKEN\]/);
      expect(told).toMatch(/the cluster has no node gpu-z[\s\S]+there are cp-1, gpu-a[\s\S]+\[E_NO_NODE\]/);
      expect(await kubectl(`get node gpu-a ${columns}`)).toBe("a server-test  true");
    });

    test("a node that is free serves, and is given back", async () => {
      await kubectl("label node gpu-a tandem.dev/group-");
      await kubectl("annotate node gpu-a tandem.dev/labelled-");
      joined.write();
      const began = performance.now();
      const up = await joined.tandem("up");
      expect(up.exitCode, up.text.slice(-3000)).toBe(0);
      expect(await kubectl(`get node gpu-a ${columns}`)).toBe("a joined joined true");
      expect(await kubectl("get -n tandem-joined lws sglang-a -o jsonpath={.status.readyReplicas}")).toBe("1");
      const down = await joined.tandem("down");
      expect(down.exitCode, down.text.slice(-3000)).toBe(0);
      expect(await kubectl(`get node gpu-a ${columns}`)).toBe("   ");
      expect(await kubectl("get namespace tandem-joined lws-system --ignore-not-found")).toBe("");
      process.stdout.write(
        `up and down on an existing cluster: ${((performance.now() - began) / 1000).toFixed(1)} s\n`,
      );
    });
  });

  describe("etcd", () => {
    test("what was deleted after a snapshot is back after a restore", async () => {
      await kubectl("create configmap probe --from-literal=kept=yes");
      const file = join(folder, "snapshot.db");
      const saved = await snapshotEtcd(cp, file);
      expect(saved.bytes).toBe((await stat(file)).size);
      expect((await stat(file)).mode & 0o777).toBe(0o600);
      await kubectl("delete configmap probe");
      await kubectl("create configmap late --from-literal=kept=no");
      await restoreEtcd(cp, file);
      expect(await kubectl("get configmap probe -o jsonpath={.data.kept}")).toBe("yes");
      expect(await kubectl("get configmap late --ignore-not-found")).toBe("");
      expect(await kubectl("get nodes --no-headers")).toMatch(/gpu-a +Ready/);
      expect(await cp.run("ls -d /var/lib/etcd.* /var/lib/tandem/etcd 2> /dev/null || true")).toBe("");
    });

    test("a file that is no snapshot is refused before anything stops", async () => {
      const file = join(folder, "broken.db");
      await writeFile(file, (await readFile(join(folder, "snapshot.db"))).subarray(0, 200_000));
      const error = await failure(restoreEtcd(cp, file));
      expect(error.what).toBe("cp-1: etcd restore failed");
      expect(await kubectl("get --raw /readyz")).toBe("ok");
    });
  });

  describe("reset", () => {
    test("leaves nothing, on a worker and on the control plane, and runs twice", async () => {
      await Promise.all([cp, a, b].map((remote) => resetServer(remote)));
      for (const remote of [cp, a, b]) {
        const after = new Set(await listServer(remote));
        const was = new Set(before.get(remote.target.name));
        expect({
          server: remote.target.name,
          left: [...after].filter((line) => !was.has(line)),
          lost: [...was].filter((line) => !after.has(line)),
        }).toEqual({ server: remote.target.name, left: [], lost: [] });
        expect(await resetServer(remote)).toSatisfy((steps: StepReport[]) =>
          steps.every(({ state }) => state === "present"),
        );
      }
    });

    test("a kernel setting that was enough before us stays as it was", async () => {
      await a.run("echo 1 > /proc/sys/net/ipv4/ip_forward");
      try {
        await prepareServer(a, stack.nodeConfig(a));
        await resetServer(a);
        expect(await a.run("cat /proc/sys/net/ipv4/ip_forward")).toBe("1\n");
      } finally {
        await a.run("echo 0 > /proc/sys/net/ipv4/ip_forward");
      }
    });

    test("another cluster's files are not touched, by reset nor by init", async () => {
      await a.run(
        "mkdir -p /etc/kubernetes/manifests; echo foreign > /etc/kubernetes/manifests/etcd.yaml; echo foreign > /etc/kubernetes/kubelet.conf",
      );
      await resetServer(a);
      expect((await preflight(a, wanted(a))).findings.map(({ code }) => code)).toEqual(["E_OTHER_CLUSTER"]);
      await prepareServer(a, stack.nodeConfig(a));
      const error = await failure(joinWorker(a, cp, stack.workerConfig(a, cluster)));
      expect(error.code).toBe("E_REMOTE");
      expect(await a.run("cat /etc/kubernetes/kubelet.conf")).toBe("foreign\n");
      expect(existsSync(folder)).toBe(true);
    });
  });
});
