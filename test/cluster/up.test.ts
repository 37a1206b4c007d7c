import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { loadPlan } from "../../src/cli/load-plan.ts";
import { streamChat } from "../../src/cli/stream-chat.ts";
import { addressHolder } from "../../src/drill/cluster/address-holder.ts";
import { readChoices, readPasses } from "../../src/drill/record/read-record.ts";
import { recordsDir } from "../../src/drill/record/record-folder.ts";
import { replay } from "../../src/drill/record/replay.ts";
import { replayPasses } from "../../src/drill/record/replay-passes.ts";
import { act } from "../../src/drill/servers/act.ts";
import { localBmcs, readLocalBmcs } from "../../src/emulator/bmc/credentials.ts";
import { endBmcs } from "../../src/emulator/bmc/keeper.ts";
import { lwsManifests } from "../../src/infra/program/lws.ts";
import { stackFiles } from "../../src/infra/stack/stack-files.ts";
import type { LiveObject } from "../../src/kube/objects.ts";
import { referenceTo } from "../../src/kube/objects.ts";
import { engineDir, stackDir, tandemHome } from "../../src/machines/home.ts";
import { cleanLocal } from "../../src/machines/local/clean.ts";
import { type Engine, ensureEngine, findEngine } from "../../src/machines/local/engine.ts";
import { cutPower, startPower } from "../../src/machines/local/faults.ts";
import { bridgeName } from "../../src/machines/local/labels.ts";
import { listMachines } from "../../src/machines/local/machine.ts";
import { openRemote } from "../../src/machines/server/remote.ts";
import { targetsOf } from "../../src/machines/server/targets.ts";
import type { ModelService } from "../../src/manifests/model-service/resource.ts";
import { renderGroups, renderManifests } from "../../src/manifests/render.ts";
import { redfish } from "../../src/reconciler/bmc/redfish.ts";
import { type DrillReport, SCENARIO_NAMES } from "../../src/report/drill.ts";
import type { StackStatus } from "../../src/report/stack-status.ts";
import { clusterObstacle } from "../support/cluster-obstacle.ts";
import { clusterPage } from "../support/cluster-page.ts";
import { gateDrill, onGround } from "../support/gate-drill.ts";
import { GATE, type GateStack, gateStack, type Strike } from "../support/gate-stack.ts";
import { hostTrace, traceDifference } from "../support/host-trace.ts";
import { keepLoad } from "../support/keep-load.ts";
import { killIfThere } from "../support/kill-tree.ts";
import { replaceGateways } from "../support/replace-gateways.ts";
import { MAY, roleActs, tryActs } from "../support/role-rights.ts";
import { roundWithoutApi } from "../support/round-without-api.ts";
import { filesWith, objectsWith, secretsIn, secretsOf, serverPlacesWith } from "../support/secret-search.ts";
import { changedSince } from "../support/server-listing.ts";
import { killDaemon, killMachine, killWithChildren } from "../support/strikes.ts";

const DashboardState = z.object({
  active: z.string(),
  epoch: z.number(),
  groups: z.array(z.object({ id: z.string() })),
  /** Newest first. */
  moves: z.array(z.object({ to: z.string(), why: z.string(), at: z.string() })),
});

/** What may hold a secret: kubeadm's own, etcd, what kubelet gives to a pod in memory, and the stack's folder. */
const KEEPS =
  / \/etc\/kubernetes\/(super-)?admin\.conf$| \/var\/lib\/etcd\/|\/kubernetes\.io~secret\/|\/stacks\/gate\/(passphrase|kubeconfig|secrets\/[a-z-]+)$/;

const obstacle = clusterObstacle();
if (obstacle) process.stderr.write(`skipped: ${obstacle}\n`);

describe.skipIf(obstacle !== null)("tandem up", () => {
  let stack: GateStack;
  let engine: Engine;
  let before: ReturnType<typeof hostTrace>;
  const plan = () => loadPlan(stack.spec).plan;
  const nodes = async () =>
    (await stack.kube().client.json<{ items: LiveObject[] }>({ method: "GET", path: "/api/v1/nodes" })).items;
  const isReady = (node: LiveObject) =>
    (node.status as { conditions: { type: string; status: string }[] }).conditions.some(
      ({ type, status }) => type === "Ready" && status === "True",
    );

  // Another stack may run on this computer; what is its own is by path, cgroup, bridge or network.
  const trace = () => {
    const home = tandemHome();
    const own = bridgeName({ home }, GATE).slice(7);
    const others = new RegExp(
      `veth|/docker/|${home}/(?!stacks/${GATE}\\b)|tandem-(?!${own})[0-9a-f]{8,12}\\b|\\b10\\.(?!(232|214|215)\\.)|/sys/fs/cgroup`,
    );
    return hostTrace(stackDir(GATE), join(engineDir(), "root/usr/sbin"), others);
  };

  beforeAll(async () => {
    stack = gateStack();
    // Unpacks the programs that the trace needs. The trace itself is of a computer without a daemon, if we are alone.
    await (await ensureEngine()).api.close();
    await stack.tandem(["down", stack.spec]);
    await cleanLocal(GATE);
    before = trace();
    engine = await ensureEngine();
  });
  afterAll(async () => {
    await stack?.tandem(["down", stack.spec]);
    stack?.end();
    await engine?.api.close();
  });

  test("a preview before anything exists names all that would be made, and leaves nothing", async () => {
    const preview = await stack.tandem(["up", stack.spec, "--preview"]);
    expect(preview.exitCode, preview.text.slice(-3000)).toBe(0);
    expect(preview.text).toMatch(/LocalMachine gpu-d create/);
    expect(preview.text).toMatch(/Manifest ModelService\/tandem-gate\/gate create/);
    expect(preview.text).toMatch(/\+ \d+ to create\n/);
    expect(await listMachines(engine, GATE)).toEqual([]);
    expect(existsSync(stackFiles(GATE).dir)).toBe(false);
  });

  test("the command, a machine and the daemon are killed at six points: it finishes the job", async () => {
    const command = async (_: RegExpExecArray, pid: number) => killIfThere(pid);
    const withPulumi = (_: RegExpExecArray, pid: number) => killWithChildren(pid);
    const daemon = async () => killDaemon();
    const machine = ([, name = ""]: RegExpExecArray) => killMachine(GATE, name);
    const joins = /WorkerNode (gpu-\w) .*kubeadm join/;
    const runs: Strike[][] = [
      [{ when: /LocalMachine gpu-\w created/, strike: command }],
      [{ when: /PreparedServer gpu-\w .*container runtime/, strike: withPulumi }],
      [{ when: /ControlPlaneNode cp-1 .*kubeadm init/, strike: withPulumi }],
      [{ when: joins, strike: command }],
      // The others go on without the machine, as far as that goes.
      [{ when: joins, strike: machine }],
      [
        // Machines need no daemon, so that the run goes on. One that was here before us is not ours to kill.
        ...(engine.kind === "private" ? [{ when: joins, strike: daemon }] : []),
        { when: /ModelService\/tandem-gate\/gate creating/, strike: withPulumi },
      ],
    ];
    const told: string[] = [];
    for (const strikes of runs) {
      const began = performance.now();
      const { exitCode, text } = await stack.tandem(["up", stack.spec], strikes);
      told.push(`${((performance.now() - began) / 1000).toFixed(0)} s (${exitCode})`);
      for (const { when } of strikes) expect(text, `${when}: ${text.slice(-2000)}`).toMatch(when);
      // What the command lost under way it overcomes, or names; where it was killed itself it ends so.
      const lost = strikes[0]?.strike === machine ? joins.exec(text) : null;
      if (lost === null) expect(exitCode).toBe(-1);
      else if (exitCode !== 0) expect(text.slice(lost.index).slice(-3000)).toContain(lost[1]);
    }
    const finished = await stack.tandem(["up", stack.spec]);
    process.stdout.write(`struck: ${told.join(", ")}; ${finished.text.match(/.*pulumi up: done.*/)?.[0]}\n`);
    expect(finished.exitCode, finished.text.slice(-3000)).toBe(0);
    expect(finished.text).not.toContain("pending operations");
    // Six starts of Pulumi and all of kubeadm: on two busy cores this is the longest test there is.
  }, 900_000);

  test("one control plane and four GPU servers are Ready, with eight GPUs each", async () => {
    const found = await nodes();
    expect(found.map(({ metadata }) => metadata.name).sort()).toEqual(["cp-1", "gpu-a", "gpu-b", "gpu-c", "gpu-d"]);
    expect(found.filter((node) => !isReady(node))).toEqual([]);
    const gpus = found.map(
      (node) => (node.status as { allocatable: Record<string, string> }).allocatable["nvidia.com/gpu"],
    );
    expect(gpus.filter((count) => count === "8")).toHaveLength(4);
  });

  test("two groups of two serve, each on its own servers", async () => {
    const { client } = stack.kube();
    const path = "/apis/leaderworkerset.x-k8s.io/v1/namespaces/tandem-gate/leaderworkersets";
    const sets = (await client.json<{ items: LiveObject[] }>({ method: "GET", path })).items;
    expect(sets.map(({ metadata }) => metadata.name)).toEqual(["sglang-a", "sglang-b"]);
    for (const set of sets) expect((set.status as { readyReplicas: number }).readyReplicas).toBe(1);
    const query = { labelSelector: "leaderworkerset.sigs.k8s.io/name" };
    const pods = await client.json<{ items: LiveObject[] }>({
      method: "GET",
      path: "/api/v1/namespaces/tandem-gate/pods",
      query,
    });
    const places = pods.items.map((pod) => [
      pod.metadata.labels?.["leaderworkerset.sigs.k8s.io/name"],
      (pod.spec as { nodeName: string }).nodeName,
    ]);
    expect(places.sort().map((place) => place.join(" "))).toEqual([
      "sglang-a gpu-a",
      "sglang-a gpu-b",
      "sglang-b gpu-c",
      "sglang-b gpu-d",
    ]);
  });

  test("every manifest passes a server-side dry run", async () => {
    const { objects } = stack.kube();
    const manifests = [...renderManifests(plan()), ...lwsManifests()];
    expect(manifests.length).toBeGreaterThan(30);
    for (const manifest of manifests) {
      await objects.apply(manifest, { fieldManager: `tandem-${GATE}`, force: true, dryRun: true });
    }
    // What the reconciler makes is its own to write.
    for (const manifest of renderGroups(plan()))
      await objects.apply(manifest, { fieldManager: "tandem-reconciler", force: true, dryRun: true });
  });

  test.each(["example", "spare", "roce", "single", "degraded"])(
    "every manifest of stacks/%s.yaml passes a server-side dry run",
    async (name) => {
      const { objects } = stack.kube();
      const other = loadPlan(join(import.meta.dirname, `../../stacks/${name}.yaml`), { allowPlaceholder: true }).plan;
      const manifests = [...renderManifests(other), ...renderGroups(other)];
      expect(manifests.length).toBeGreaterThan(30);
      for (const manifest of manifests)
        await objects.apply(asAnother(manifest), { fieldManager: "tandem-test", force: true, dryRun: true });
    },
  );

  /** Beside what is there: what cannot change of an object that exists is not the question, and its namespace must exist. */
  const asAnother = (manifest: ReturnType<typeof renderManifests>[number]) => {
    const { namespace, name } = manifest.metadata;
    // The name of a definition follows from what it defines.
    const isFree = manifest.kind !== "CustomResourceDefinition";
    const inOurs = namespace?.startsWith("tandem-") ? { namespace: "tandem-gate" } : {};
    return { ...manifest, metadata: { ...manifest.metadata, ...inOurs, ...(isFree ? { name: `${name}-other` } : {}) } };
  };

  const modelService = async () => {
    const reference = { apiVersion: "tandem.dev/v1alpha1", kind: "ModelService", name: GATE, namespace: "tandem-gate" };
    const { client, objects } = stack.kube();
    const live = (await objects.get(reference)) as unknown as ModelService;
    return { client, live, path: await objects.path(reference) };
  };

  test("`kubectl get modelservice` and `tandem status` say the same", async () => {
    const wait = ["wait", "-n", "tandem-gate", `ms/${GATE}`, "--for=condition=Redundant", "--timeout=60s"];
    const redundant = await stack.withEnv("kubectl", wait);
    expect(redundant.exitCode, redundant.text).toBe(0);
    const columns = "custom-columns=A:.status.active,B:.status.standby,E:.status.epoch,R:.status.redundancy";
    const shown = await stack.withEnv("kubectl", [
      "get",
      "ms",
      "-n",
      "tandem-gate",
      GATE,
      "--no-headers",
      "-o",
      columns,
    ]);
    const { text } = await stack.tandem(["status", "--stack", GATE, "--output", "json"]);
    const status = JSON.parse(text) as StackStatus;
    const row = [status.active, status.standby, status.epoch, status.reconciler?.redundancy].join(" ");
    expect(shown.text.trim().replaceAll(/ {2,}/g, " ")).toBe(row);
    expect(status).toMatchObject({
      active: "a",
      standby: "b",
      choice: "use",
      gateway: { uses: { "cp-1": "a", "gpu-c": "a" } },
      lease: { leader: expect.any(String), stale: false },
    });
  });

  test("the API server refuses what no reconciler and no person may mean", async () => {
    const { client, live, path } = await modelService();
    const patch = (body: object, subresource = "") =>
      client.json({
        method: "PATCH",
        path: `${path}${subresource}`,
        query: { fieldManager: "test", dryRun: "All" },
        contentType: "application/merge-patch+json",
        body,
      });
    const next = (live.status?.epoch ?? 0) + 1;
    await expect(patch({ status: { epoch: next } }, "/status")).resolves.toBeDefined();
    await expect(patch({ status: { epoch: next - 2 } }, "/status")).rejects.toThrow(/epoch/);
    await expect(patch({ status: { decision: { kind: "guess" } } }, "/status")).rejects.toThrow(/status.decision.kind/);
    const request = { id: "1", kind: "switchover", target: "gpu-a", by: "test", at: new Date().toISOString() };
    await expect(patch({ spec: { request } })).rejects.toThrow(/request.target is no group/);
    await expect(patch({ spec: { request: { ...request, target: "b" } } })).resolves.toBeDefined();
  });

  test("an account without rights cannot change roles: the API server lets the reconciler alone", async () => {
    const { name, namespace } = plan();
    const admin = { client: stack.kube().client, kubeconfig: readFileSync(stackFiles(name).kubeconfig, "utf8") };
    const began = performance.now();
    const found = await Promise.all(
      Object.keys(MAY).map(
        async (account) => [account, await tryActs(admin, { namespace, account }, roleActs(plan()))] as const,
      ),
    );
    process.stdout.write(`rights: ${((performance.now() - began) / 1000).toFixed(1)} s\n`);
    for (const way of ["said", "done"] as const)
      expect(Object.fromEntries(found.map(([account, may]) => [account, may[way]])), way).toEqual(MAY);
  });

  const stackEndpoint = async () => {
    const { text } = await stack.withEnv("printenv", ["OPENAI_BASE_URL", "OPENAI_API_KEY"]);
    const [baseUrl = "", apiKey = ""] = text.split("\n");
    return { baseUrl, apiKey };
  };

  test("tokens of group a stream to the endpoint that `tandem env` names", async () => {
    const { baseUrl, apiKey } = await stackEndpoint();
    let answer = "";
    const request = { baseUrl, apiKey, model: plan().model.servedName, prompt: "answer=5 hello", maxTokens: 5 };
    for await (const { content } of streamChat(request)) answer += content;
    expect(answer).toMatch(/^([0-9a-f]{4})-0 \1-1 \1-2 \1-3 \1-4 $/);
    const refused = streamChat({ ...request, apiKey: "sk-wrong" });
    await expect(refused.next()).rejects.toThrow("401");
  });

  /** A command for the same stack while another one runs. */
  const expectRefused = async () => {
    const lock = join(stackDir(GATE), "command.lock");
    while (!existsSync(lock)) await delay(20);
    const { pid } = JSON.parse(readFileSync(lock, "utf8")) as { pid: number };
    const second = await stack.tandem(["up", stack.spec]);
    expect(second.exitCode).toBe(1);
    expect(second.text).toContain("E_STACK_BUSY");
    expect(second.text).toContain(`process ${pid} `);
  };

  test("a second run changes no object and no file on a server; a command beside it is refused, with who is there", async () => {
    const { objects } = stack.kube();
    const remotes = targetsOf(plan().spec, stack.spec).map(({ target }) => openRemote(target));
    try {
      await Promise.all(remotes.map((remote) => remote.run("touch /run/marker; sleep 0.01")));
      const manifests = [...renderManifests(plan()), ...renderGroups(plan()), ...lwsManifests()];
      const versions = async () =>
        Promise.all(
          manifests.map(async (manifest) => {
            const live = await objects.get(referenceTo(manifest));
            // A status may move by itself; what we write is the generation, or the version of what has no generation.
            return `${manifest.kind} ${manifest.metadata.name} ${live?.metadata.generation ?? live?.metadata.resourceVersion}`;
          }),
        );
      const was = await versions();
      const began = performance.now();
      const [again] = await Promise.all([stack.tandem(["up", stack.spec]), expectRefused()]);
      process.stdout.write(`second up: ${((performance.now() - began) / 1000).toFixed(1)} s\n`);
      expect(again.exitCode, again.text.slice(-2000)).toBe(0);
      expect(again.text).toMatch(/Resources:\n +\d+ unchanged/);
      expect(await versions()).toEqual(was);
      const changed = await Promise.all(remotes.map((remote) => changedSince(remote, "/run/marker")));
      expect(changed.flat()).toEqual([]);
    } finally {
      await Promise.all(remotes.map((remote) => remote.close()));
    }
  });

  test("what was changed or removed by hand, `tandem up --refresh` puts right, also in the shell of `tandem env`", async () => {
    const { client, objects } = stack.kube();
    const { namespace } = plan();
    const path = `/apis/apps/v1/namespaces/${namespace}/deployments/reconciler`;
    const budget = [...renderManifests(plan()), ...renderGroups(plan())].find(
      ({ kind }) => kind === "PodDisruptionBudget",
    );
    if (budget === undefined) throw new Error("the stack has no PodDisruptionBudget");
    await client.json({
      method: "PATCH",
      path,
      body: { spec: { replicas: 0 } },
      contentType: "application/merge-patch+json",
    });
    await objects.remove(referenceTo(budget));
    const up = await stack.withEnv(process.execPath, ["bin/tandem", "up", "--refresh", stack.spec]);
    expect(up.exitCode, up.text.slice(-3000)).toBe(0);
    const ready = async () =>
      (await client.json<{ status: { readyReplicas?: number } }>({ method: "GET", path })).status.readyReplicas;
    await expect.poll(ready, { timeout: 60_000, interval: 250 }).toBe(2);
    expect(await objects.get(referenceTo(budget))).not.toBeNull();
  });

  test("the page moves traffic for who may, and shows it as it happens", async () => {
    await onGround(GATE, async () => {
      await using page = await clusterPage(GATE);
      const state = async () =>
        DashboardState.parse(await (await fetch(`${page.url}/state`, { headers: page.viewer })).json());
      const { active, epoch, groups } = await state();
      const to = groups.map(({ id }) => id).find((id) => id !== active) ?? "";
      const order = (headers: Record<string, string>, from: number) =>
        fetch(`${page.url}/switchover`, {
          method: "POST",
          headers: { ...headers, "content-type": "application/json" },
          body: JSON.stringify({ to, epoch: String(from) }),
        });
      expect((await order({}, epoch)).status).toBe(401);
      expect((await order(page.viewer, epoch)).status).toBe(403);
      expect((await order(page.operator, epoch - 1)).status).toBe(409);
      const shown = page.shows("groups", new RegExp(`Group ${to} <[^>]*>active<`));
      const asked = await order(page.operator, epoch);
      expect(asked.status, await asked.text()).toBe(202);
      const shownMs = await shown;
      const after = await state();
      expect(after).toMatchObject({
        active: to,
        epoch: epoch + 1,
        moves: [{ to, why: "switchover" }, ...after.moves.slice(1)],
      });
      const ms = shownMs - Date.parse(after.moves[0]?.at ?? "");
      process.stdout.write(`the page showed the move ${ms.toFixed(0)} ms after the reconciler ordered it\n`);
    });
  });

  // How fast it was is the benchmark's business; a computer that is busy with other things is late, and says so.
  const expectWhole = ({ failures, streams }: DrillReport) => {
    expect(failures.filter((text) => !/: [\d.]+ s, more than/.test(text))).toEqual([]);
    expect(streams).toMatchObject({ perfect: streams.streams, lost: 0, doubled: 0, foreign: 0 });
  };

  // The short form of `npm run bench drills`, which plays each three times.
  describe("a drill", () => {
    const passed = async () =>
      JSON.parse((await stack.tandem(["drill", "list", "--stack", GATE, "--output", "json"])).text);

    test.each(SCENARIO_NAMES)(
      "%s: every token comes once, both groups serve again, and the cluster has a record of it that replays",
      async (scenario) => {
        const { report, seconds } = await gateDrill(GATE, scenario);
        expectWhole(report);
        const record = join(recordsDir(GATE), report.id);
        expect(replay(await readChoices(record)).differences).toEqual([]);
        const passes = await readPasses(record);
        expect(passes.length).toBeGreaterThan(0);
        expect(replayPasses(passes).differences).toEqual([]);
        // What nobody hears is proven harmless by its BMC, and by nothing else.
        if (scenario === "server-freeze") expect(JSON.stringify(passes)).toContain('"kind":"power-off"');
        process.stdout.write(`drill ${scenario}: ${seconds.toFixed(0)} s\n`);
      },
    );

    // Pretended at the agent's input, and a server that nobody reaches until it undoes it by itself.
    test.each(["gpu-xid", "network-cut"] as const)("%s over SSH, as on real servers", async (scenario) => {
      const { report, seconds } = await gateDrill(GATE, scenario, { overSsh: true });
      expectWhole(report);
      expect(report.versions.servers).toMatch(/SSH/);
      process.stdout.write(`drill ${scenario} over SSH: ${seconds.toFixed(0)} s\n`);
    });

    test("a server undoes by itself what a drill did to it, and another drill can follow", async () => {
      const { spec, groups } = plan();
      const { status } = (await modelService()).live;
      const standby = Object.values(groups).find(({ id }) => id !== status?.active);
      const target = targetsOf(spec, stack.spec).find((one) => standby?.servers.includes(one.target.name))?.target;
      if (target === undefined) throw new Error("nobody stands by");
      const remote = openRemote(target);
      const stopped = async () =>
        Number(await remote.run("cat /proc/[0-9]*/stat 2> /dev/null | grep -c '^[0-9]* (sglang.*) T ' || true"));
      try {
        // Shorter than what makes anybody act.
        for (let round = 0; round < 2; round++) {
          await act(remote, "engine-hang", { seconds: "1", chance: "0" });
          expect(await stopped()).toBeGreaterThan(0);
          await expect.poll(stopped, { timeout: 10_000 }).toBe(0);
          expect(await remote.run("ls /run/tandem/drill")).toBe("");
        }
      } finally {
        await remote.close();
      }
    });

    test("`kubectl get drills` shows it, and it did not use up the failover budget", async () => {
      const shown = await stack.withEnv("kubectl", ["get", "drills", "-n", "tandem-gate"]);
      expect(shown.text).toMatch(/^NAME +SCENARIO +HIT +RESULT +GAP +AGE$/m);
      for (const { scenario } of await passed()) expect(shown.text).toContain(scenario);
      const { moves = [] } = (await modelService()).live.status ?? {};
      const unplanned = moves.filter(({ why }) => why === "adopt" || why === "failover");
      expect(unplanned.length).toBeGreaterThan(0);
      expect(unplanned.filter(({ drill }) => drill === undefined)).toEqual([]);
    });
  });

  test("a change of flags by `tandem up` reaches both groups under load, and fails no request", async () => {
    const { baseUrl, apiKey } = await stackEndpoint();
    const before = (await modelService()).live.spec.revision;
    const text = readFileSync(stack.spec, "utf8");
    const image = "engine: { image: emulator,";
    writeFileSync(stack.spec, text.replace(image, `${image} extraArgs: ["--max-queued-requests", "1000"],`));
    const enough = new AbortController();
    const load = keepLoad(plan(), () => ({ baseUrl, apiKey, isThere: () => true }), 8, enough.signal);
    const began = performance.now();
    const changed = await stack.tandem(["up", stack.spec]);
    enough.abort();
    const { failed, requests } = await load;
    process.stdout.write(`changed in ${((performance.now() - began) / 1000).toFixed(0)} s, ${requests} requests\n`);
    expect(changed.exitCode, changed.text.slice(-3000)).toBe(0);
    expect(failed).toEqual([]);
    expect(requests).toBeGreaterThan(20);
    const { spec, status } = (await modelService()).live;
    expect(spec.revision).not.toBe(before);
    const groups = status?.groups.map(({ run, revision }) => `${run} ${revision}`);
    expect(groups).toEqual([`serving ${spec.revision}`, `serving ${spec.revision}`]);
  }, 300_000);

  test("gateways are replaced under load: the address stays, no answer is cut, no connection refused", async () => {
    const way = await stackEndpoint();
    const { hostname } = new URL(way.baseUrl);
    const holder = () => addressHolder(engine, GATE, plan().spec.gateway?.on ?? [], hostname);
    const before = await holder();
    const { failed, refused, requests, connections, outlived, whole } = await replaceGateways(stack, plan(), way);
    process.stdout.write(`gateways replaced: ${requests} requests, ${connections} connections more\n`);
    expect({ failed, refused, whole }).toEqual({ failed: [], refused: [], whole: 4 });
    expect(outlived, "streams that an old replica went on writing").toBeGreaterThan(0);
    expect(connections).toBeGreaterThan(100);
    expect(await holder()).toBe(before);
  }, 300_000);

  test("a failover needs no API server", async () => {
    const { report, healedSeconds } = await roundWithoutApi(GATE, engine, "rank-crash");
    const { lost, doubled, foreign, mixed, misplaced, perfect, streams, failures } = report.streams;
    const counts = { lost, doubled, foreign, mixed, misplaced, perfect };
    const none = { lost: 0, doubled: 0, foreign: 0, mixed: 0, misplaced: 0, perfect: streams };
    expect(counts, JSON.stringify({ ...report, streams: failures })).toEqual(none);
    expect(report.to, report.reason ?? "no move").not.toBe(report.from);
    expect(report.streams.carriedOn).toBeGreaterThan(0);
    const next = report.phases.map(({ phase, seconds }) => `${phase} ${seconds?.toFixed(2)} s`).join(", ");
    process.stdout.write(`no API server: ${next}; healed after ${healedSeconds.toFixed(0)} s\n`);
  });

  test("the server that holds the gateway's address dies, and so the API server: the same address answers", async () => {
    const { baseUrl, apiKey } = await stackEndpoint();
    const models = () =>
      fetch(`${baseUrl}/models`, { headers: { authorization: `Bearer ${apiKey}` }, signal: AbortSignal.timeout(1000) })
        .then(({ ok }) => ok)
        .catch(() => false);
    expect(await models()).toBe(true);
    const { startedAtMs } = await cutPower(engine, GATE, "cp-1");
    try {
      const end = performance.now() + 30_000;
      while (!(await models()) && performance.now() < end) await delay(20);
      expect(await models()).toBe(true);
      process.stdout.write(
        `the address answers ${((Date.now() - startedAtMs) / 1000).toFixed(2)} s after the power cut\n`,
      );
    } finally {
      await startPower(engine, GATE, "cp-1");
    }
    const ready = async () => (await nodes().catch(() => [])).filter(isReady).length === 5;
    for (const end = performance.now() + 180_000; !(await ready()); await delay(500)) {
      expect(performance.now(), "the control plane comes back by itself").toBeLessThan(end);
    }
  });

  test("with a dead server `pulumi up` finishes and names it, and `tandem up` switches it on again", async () => {
    // The reconciler would give it its power back by its BMC.
    await endBmcs(GATE);
    await cutPower(engine, GATE, "gpu-d");
    const update = await stack.withEnv("pulumi", [
      "up",
      "--yes",
      "--skip-preview",
      "--non-interactive",
      "--stack",
      GATE,
    ]);
    expect(update.exitCode, update.text.slice(-2000)).toBe(0);
    expect(update.text).toContain("gpu-d (10.232.0.14) does not answer on port 22");
    expect(update.text).toMatch(/Resources:\n +\d+ unchanged/);
    const repaired = await stack.tandem(["up", stack.spec]);
    expect(repaired.exitCode, repaired.text.slice(-3000)).toBe(0);
    const machines = await listMachines(engine, GATE);
    expect(machines.map(({ name, state }) => `${name} ${state}`)).toContain("gpu-d running");
    const { address = "" } = plan().spec.servers["gpu-d"]?.bmc ?? {};
    const { "gpu-d": known } = await readLocalBmcs(GATE, localBmcs(plan()));
    if (known === undefined) throw new Error("nobody knows its password");
    const bmc = redfish({ url: `https://${address}`, ...known });
    expect(await bmc.power()).toBe("on");
    await bmc.close();
  });

  test("its secrets are where its parts read them, and in no other file, log, command line or object", async () => {
    const secrets = await secretsOf(GATE);
    const remotes = targetsOf(plan().spec, stack.spec).map(({ target }) => openRemote(target));
    try {
      // Switched on a moment ago: its kubelet has yet to mount what its pods read.
      const late = remotes.find(({ target }) => target.name === "gpu-d") ?? expect.fail("no gpu-d");
      const mounts = async () => (await serverPlacesWith(late, secrets)).some((place) => place.includes("~secret"));
      await expect.poll(mounts, { timeout: 60_000, interval: 250 }).toBe(true);
      const servers = await Promise.all(
        remotes.map(async (remote) => {
          const places = await serverPlacesWith(remote, secrets);
          return places.map((place) => `${remote.target.name} ${place}`);
        }),
      );
      const found = [...servers.flat(), ...(await filesWith([stackDir(GATE), recordsDir(GATE)], secrets))];
      const [kept, loose] = [found.filter((place) => KEEPS.test(place)), found.filter((place) => !KEEPS.test(place))];
      expect(loose).toEqual([]);
      // Where they must be they are found, so that the search can find.
      for (const place of [/^cp-1 .*etcd/, /^gpu-d .*~secret/, /passphrase$/])
        expect(kept.some((one) => place.test(one))).toBe(true);
      expect(await objectsWith(stack.kube().client, secrets)).toEqual([]);
      expect(secretsIn(stack.printed(), secrets)).toEqual([]);
    } finally {
      await Promise.all(remotes.map((remote) => remote.close()));
    }
  });

  test("a preview needs no cluster and touches nothing", async () => {
    const preview = await stack.withEnv("pulumi", ["preview", "--non-interactive", "--stack", GATE]);
    expect(preview.exitCode, preview.text.slice(-2000)).toBe(0);
  });

  test("down leaves nothing on this computer", async () => {
    const began = performance.now();
    const down = await stack.tandem(["down", stack.spec]);
    process.stdout.write(`down: ${((performance.now() - began) / 1000).toFixed(1)} s\n`);
    expect(down.exitCode, down.text.slice(-2000)).toBe(0);
    expect(existsSync(stackFiles(GATE).dir)).toBe(false);
    // With the last stack the private daemon goes as well.
    const left = await findEngine();
    expect(left ? await listMachines(left, GATE) : []).toEqual([]);
    await left?.api.close();
    expect(traceDifference(before, trace())).toEqual([]);
  });
});
