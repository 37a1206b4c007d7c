import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { startAgent } from "../../src/drill/world/agent-process.ts";
import { freePorts } from "../../src/drill/world/ports.ts";
import { World } from "../../src/drill/world/world.ts";
import { bundleProgram } from "../../src/machines/images/bundle-program.ts";
import { leaderWorkerSetOf } from "../../src/manifests/model-service/leader-worker-set.ts";
import { modelService } from "../../src/manifests/model-service/model-service.ts";
import { MODEL_SERVICE, type ModelService } from "../../src/manifests/model-service/resource.ts";
import { GROUP_LABEL, LWS_NAME_LABEL, LWS_WORKER_INDEX_LABEL } from "../../src/manifests/names.ts";
import { RECONCILER_NODE_FLAGS } from "../../src/manifests/reconciler.ts";
import { RECONCILER_PROGRAMS } from "../../src/reconciler/programs.ts";
import { MemoryApi } from "../kube/memory-api.ts";
import { localPlan } from "../support/rehearsal-session.ts";
import type { Bench } from "./bench.ts";

/** Long enough for production shapes, which come after a minute; a day needs no more. */
const SECONDS = Number(process.env.BENCH_SECONDS ?? 150);

/**
 * Memory of the reconciler that leads, as its image has it: one bundled file and the flags of its Deployment. Agents, engines and the
 * gateway are real processes; the API server is the one of the tests.
 */
export const bench: Bench = async () => {
  const folder = mkdtempSync(join(tmpdir(), "reconciler-bench-"));
  const world = await World.create({ plan: localPlan("deepseek-v3") });
  const api = await MemoryApi.start();
  try {
    await Promise.all(world.servers.map((server) => world.kept(startAgent(server, world.agentToken, {}))));
    await Promise.all(world.groups.map((group) => world.startGroup(group)));
    const gateway = await world.startGateway("a");
    declare(world, api, gateway.admin.url);
    const { reconciler, log } = await start(folder, world, api, gateway.admin.token);
    const exited = new Promise<void>((resolve) => reconciler.once("exit", () => resolve()));
    try {
      await delay(SECONDS * 1_000);
      if (reconciler.exitCode !== null) throw new Error(readFileSync(log, "utf8").slice(-2_000));
      const service = api.get<ModelService>(pathOf(world));
      const ready = service?.status?.takeover.ready;
      const shapes = service?.status?.takeover.rungs.find(({ name }) => name === "shapes");
      if (ready !== true || (shapes?.provenAt ?? null) === null)
        throw new Error(
          `not ready: ${JSON.stringify(service?.status?.takeover)}\n${readFileSync(log, "utf8").slice(-2_000)}`,
        );
      const how = `${SECONDS} s as leader, with every proof`;
      const memory = (field: string) =>
        Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${reconciler.pid}/status`, "utf8"))?.[1]) /
        1024;
      return [
        {
          what: "memory of the reconciler that leads, at most",
          measured: memory("VmHWM"),
          limit: 110,
          unit: "MiB",
          how,
        },
        { what: "in the end", measured: memory("VmRSS"), limit: 110, unit: "MiB", how },
      ];
    } finally {
      reconciler.kill("SIGTERM");
      await exited;
    }
  } finally {
    await world.close();
    await api.close();
    rmSync(folder, { recursive: true, force: true });
  }
};

const pathOf = ({ plan }: Pick<World, "plan">) =>
  `/apis/tandem.dev/v1alpha1/namespaces/${plan.namespace}/modelservices/${plan.name}`;

/** Everything as it is while both groups serve. */
function declare({ plan, groups, servers }: World, api: MemoryApi, gateway: string): void {
  const { spec } = modelService(plan);
  const url = (port: number) => `http://127.0.0.1:${port}`;
  const ready = { conditions: [{ type: "Ready", status: "True" }] };
  for (const { name, place } of servers)
    api.put(`/api/v1/nodes/${name}`, {
      kind: "Node",
      metadata: { labels: { "kubernetes.io/hostname": name, [GROUP_LABEL]: place.group } },
      spec: {},
      status: ready,
    });
  const namespace = `/api/v1/namespaces/${plan.namespace}`;
  for (const group of groups)
    group.servers.forEach(({ name }, index) => {
      const set = spec.groups.find(({ id }) => id === group.id)?.workload ?? "";
      api.put(`${namespace}/pods/${set}-0${index === 0 ? "" : `-${index}`}`, {
        kind: "Pod",
        metadata: { labels: { [LWS_NAME_LABEL]: set, [LWS_WORKER_INDEX_LABEL]: String(index) } },
        spec: { nodeName: name, containers: [{ name: "sglang", image: plan.image, args: [] }] },
        status: { ...ready, containerStatuses: [{ name: "sglang", imageID: `x@sha256:${"a".repeat(64)}` }] },
      });
    });
  api.put(`${namespace}/services/active`, {
    kind: "Service",
    metadata: {},
    spec: { selector: { [GROUP_LABEL]: "a" } },
  });
  const service = api.put(pathOf({ plan }), {
    ...MODEL_SERVICE,
    metadata: { namespace: plan.namespace, generation: 1 },
    spec: {
      ...spec,
      gateways: [gateway],
      servers: Object.fromEntries(
        servers.map(({ name, place }) => [
          name,
          { address: "127.0.0.1", agent: url(place.reachedAt.agent), engine: url(place.reachedAt.http) },
        ]),
      ),
    },
  }) as unknown as ModelService;
  for (const { id, workload } of spec.groups)
    api.put(`/apis/leaderworkerset.x-k8s.io/v1/namespaces/${plan.namespace}/leaderworkersets/${workload}`, {
      ...leaderWorkerSetOf(service, id),
    });
}

async function start(folder: string, { plan, agentToken }: World, api: MemoryApi, adminToken: string) {
  const [program] = RECONCILER_PROGRAMS;
  if (program === undefined) throw new Error("the reconciler has no program");
  const { format = "esm" } = program;
  const file = join(folder, `${program.name}.${format === "esm" ? "mjs" : "cjs"}`);
  writeFileSync(file, (await bundleProgram(program.entry, { format })).content);
  const kubeconfig = join(folder, "kubeconfig");
  writeFileSync(kubeconfig, api.kubeconfig());
  for (const [name, token] of Object.entries({ agentToken, adminToken })) writeFileSync(join(folder, name), token);
  const log = join(folder, "log");
  const [port] = await freePorts(1);
  const flags = RECONCILER_NODE_FLAGS;
  const reconciler = spawn(
    "/bin/sh",
    ["-c", 'exec "$0" "$@" >>"$LOG" 2>&1', process.execPath, ...flags, file, "--kubeconfig", kubeconfig],
    {
      stdio: "ignore",
      env: {
        PATH: process.env.PATH,
        MALLOC_ARENA_MAX: "1",
        LOG: log,
        TANDEM_NAMESPACE: plan.namespace,
        TANDEM_MODEL_SERVICE: plan.name,
        TANDEM_AGENT_TOKEN_FILE: join(folder, "agentToken"),
        TANDEM_ADMIN_TOKEN_FILE: join(folder, "adminToken"),
        TANDEM_LISTEN: `127.0.0.1:${port}`,
      },
    },
  );
  return { reconciler, log };
}
