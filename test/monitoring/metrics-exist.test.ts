import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { parse } from "yaml";
import { rehearseFault } from "../../src/drill/rehearsal.ts";
import type { GatewayProcess } from "../../src/drill/world/gateway-process.ts";
import { World } from "../../src/drill/world/world.ts";
import { decide } from "../../src/failover/decide.ts";
import { ReconcilerMetrics } from "../../src/reconciler/metrics.ts";
import { apply, type Start, worldOf } from "../failover/decide-world.ts";
import { localPlan } from "../support/rehearsal-session.ts";
import { DASHBOARDS, grafanaJson } from "./dashboards.ts";
import { metricsOf, samplesOf } from "./metric-names.ts";
import { rules } from "./rule-files.ts";

/** Labels that Prometheus itself gives to every series. */
const TARGET_LABELS = ["job", "instance"];
/** Zero until something happens that this test does not let happen. */
const NOT_HERE = new Set(["tandem_agent_gpu_throttled"]);
const dashboards = DASHBOARDS.map((one) => [
  one,
  JSON.parse(readFileSync(`manifests/monitoring/${one.uid}.json`, "utf8")),
]);
const expressions = [
  ...rules.map(({ alert, expr }) => [alert, expr] as const),
  ...DASHBOARDS.flatMap(({ uid, panels }) =>
    panels.flatMap(({ title, queries }) => queries.map(([expr]) => [`${uid}: ${title}`, expr] as const)),
  ),
];
const named = expressions.flatMap(([where, expr]) => metricsOf(expr).map((metric) => ({ where, ...metric })));
const documented = new Set(readFileSync("docs/metrics.md", "utf8").match(/tandem_\w+/g));

describe("what dashboards and rules read", () => {
  let world: World;
  let gateway: GatewayProcess;
  let scraped: Map<string, Set<string>>;

  beforeAll(async () => {
    world = await World.create({ plan: localPlan("deepseek-v3") });
    await Promise.all(world.groups.map((group) => world.startGroup(group)));
    gateway = await world.startGateway("a");
    const scrape = async (url: string, token: string) =>
      (await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${token}` } })).text();
    const engines = await Promise.all(world.groups.map(({ url }) => scrape(url, "")));
    // A failover, an XID and a dead rank: what counts faults exists from the first one on.
    await rehearseFault(world, gateway, { fault: "gpu-xid", streams: 4 });
    world.server("gpu-c").appendKernelLine("nvidia-nvswitch0: SXid (PCI:0000:05:00.0): 20034, Fatal, Link 30");
    await world.inject("rank-crash", "gpu-c", Math.random);
    // Refused: it has no key.
    await fetch(`${gateway.baseUrl}/models`);
    const agents = world.servers.map(({ place }) => `http://127.0.0.1:${place.reachedAt.agent}`);
    await vi.waitFor(
      async () => expect(await scrape(agents[2] as string, world.agentToken)).toContain("rank_exits_total"),
      10_000,
    );
    const texts = await Promise.all([
      scrape(gateway.admin.url, gateway.admin.token),
      ...agents.map((url) => scrape(url, world.agentToken)),
    ]);
    scraped = samplesOf([...engines, ...texts].join(""));
  }, 120_000);
  afterAll(() => world?.close());

  test("exists in the programs themselves, with the labels that are looked at", () => {
    const missing = named.filter(({ name, labels }) => {
      if (name === "up" || name.startsWith("tandem_reconciler_") || NOT_HERE.has(name)) return false;
      const known = scraped.get(name);
      return known === undefined || labels.some((label) => !known.has(label) && !TARGET_LABELS.includes(label));
    });
    expect(missing).toEqual([]);
  });

  test("and everything that the programs say of ours is documented, and the reverse", () => {
    const said = [...scraped.keys()]
      .filter((name) => name.startsWith("tandem_"))
      .map((name) => name.replace(/_(bucket|sum|count)$/, ""));
    expect(said.filter((name) => !documented.has(name))).toEqual([]);
    const wanted = [...documented].filter((name) => /^tandem_(agent|gateway)_/.test(name));
    const never = ["tandem_agent_gpu_throttled", "tandem_agent_engine_exits_total", "tandem_agent_condition"];
    expect(wanted.filter((name) => !said.includes(name) && !never.includes(name))).toEqual([]);
  });
});

const WELL: Start = {
  a: "none",
  b: "none",
  ageMs: 60_000,
  bmc: true,
  spare: false,
  gateways: "agree",
  failovers: 0,
  wanted: "v1",
};

describe("what they read of the reconciler", () => {
  test("exists, with the labels that are looked at, and is documented, as everything that it says", async () => {
    const metrics = new ReconcilerMetrics();
    const start: Start = { ...WELL, a: "power" };
    const { seen } = apply(worldOf(start), { kind: "quarantine", server: "gpu-a", remedy: "failover-reboot" });
    metrics.see(seen, decide(seen));
    metrics.passes.observe(0.1);
    metrics.actions.inc({ action: "quarantine", outcome: "done" });
    const samples = samplesOf(await metrics.registry.metrics());
    const own = named.filter(({ name }) => name.startsWith("tandem_reconciler_"));
    expect(own.length).toBeGreaterThan(5);
    const missing = own.filter(({ name, labels }) => {
      const known = samples.get(name);
      return known === undefined || labels.some((label) => !known.has(label));
    });
    expect(missing).toEqual([]);
    const said = [...samples.keys()]
      .filter((name) => name.startsWith("tandem_"))
      .map((name) => name.replace(/_(bucket|sum|count)$/, ""));
    expect(said.filter((name) => !documented.has(name))).toEqual([]);
    const wanted = [...documented].filter((name) => name.startsWith("tandem_reconciler_"));
    expect(wanted.filter((name) => !said.includes(name))).toEqual([]);
  });
});

describe("the committed files", () => {
  test("dashboards are what `npm run monitoring` writes", () => {
    for (const [dashboard, committed] of dashboards)
      expect(`${JSON.stringify(committed, null, 2)}\n`).toBe(grafanaJson(dashboard));
  });

  test("jobs that rules name are jobs that are scraped", () => {
    const { scrape_configs } = parse(readFileSync("manifests/monitoring/scrape-config.yaml", "utf8"));
    const jobs = scrape_configs.map(({ job_name }: { job_name: string }) => job_name);
    const asked = expressions.flatMap(([, expr]) => [...expr.matchAll(/job="([\w-]+)"/g)].map(([, job]) => job));
    expect(asked.filter((job) => !jobs.includes(job))).toEqual([]);
  });
});

describe("reading PromQL", () => {
  test.each<[string, { name: string; labels: string[] }[]]>([
    ['up{job="x"} == 0', [{ name: "up", labels: ["job"] }]],
    ["sum by (group_a, b) (rate(a_total[5m])) / 2", [{ name: "a_total", labels: [] }]],
    [
      'a_x{k=~"a|b"} unless (a_y offset 10m)',
      [
        { name: "a_x", labels: ["k"] },
        { name: "a_y", labels: [] },
      ],
    ],
    ["sglang:num_queue_reqs > 3", [{ name: "sglang:num_queue_reqs", labels: [] }]],
    ["rate(a_seconds_bucket[$__rate_interval])", [{ name: "a_seconds_bucket", labels: [] }]],
  ])("%s", (expr, expected) => {
    expect(metricsOf(expr)).toEqual(expected);
  });
});
