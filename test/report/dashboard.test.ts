import { describe, expect, test } from "vitest";
import { drillNotesOf } from "../../src/reconciler/dashboard/drill-notes.ts";
import { dashboardOf } from "../../src/report/dashboard/dashboard.ts";
import { heardTokens, NO_FLOW, ratesOf, SLICE_MS } from "../../src/report/dashboard/flow.ts";
import { drillSummary } from "../../src/report/drill-text.ts";
import { dashboardPage } from "../../src/report/html/dashboard/page.ts";
import { plainPaint } from "../../src/report/paint.ts";
import { switchoverReport } from "../../src/report/switchover-record.ts";
import { topText } from "../../src/report/top.ts";
import { gatewaySeen, gpu, heardServer, MONO_MS, WALL_MS, wellService, wellSources } from "./dashboards.ts";

const gatewaysWith = (seen: ReturnType<typeof gatewaySeen> | null) =>
  Object.fromEntries(Object.keys(wellSources().gateways).map((url) => [url, seen]));

describe("what is shown", () => {
  test("of a healthy pair: no alarm, the decision, who serves since when", () => {
    const shown = dashboardOf(wellSources());
    expect(shown).toMatchObject({
      active: "a",
      epoch: 8,
      alarms: [],
      decision: { kind: "hold", reason: "all-well" },
      takeover: { ready: true },
      flow: { gapMs: 21 },
      spares: [],
    });
    expect(shown.activeSince).toBe(shown.moves[0]?.at);
    expect(shown.groups.map(({ id, role, state, requests }) => [id, role, state, requests])).toEqual([
      ["a", "active", "healthy", 20],
      ["b", "standby", "healthy", 0],
    ]);
    expect(shown.flow.perSecond).toBeGreaterThan(400);
    expect(shown.groups[0]?.servers.map(({ gpus }) => gpus.map(({ state }) => state).join())).toEqual(
      Array(2).fill(Array(8).fill("well").join()),
    );
    expect(shown.gateways.map(({ name, uses }) => [name, uses])).toEqual([
      ["10.0.0.10", "a"],
      ["gpu-c", "a"],
    ]);
  });

  test("a move of the gateways before the ModelService knows of it", () => {
    const at = new Date(WALL_MS - 50).toISOString();
    const lastFailover = { at, from: "a", to: "b", reason: "gpu-a is silent", gapMs: 640, carried: 10 };
    const shown = dashboardOf(wellSources({ gateways: gatewaysWith(gatewaySeen("b", { lastFailover, gapMs: 640 })) }));
    expect(shown).toMatchObject({ active: "b", activeSince: at, flow: { gapMs: 640 } });
    expect(shown.groups.map(({ role }) => role)).toEqual(["standby", "active"]);
    expect(shown.alarms.map(({ title }) => title)).toContain("gateway on 10.0.0.10 uses b, the ModelService says a");
  });

  test("what a move cost, by the gateways that made it", () => {
    const service = wellService();
    const [first] = service.status?.moves ?? [];
    const lastFailover = { at: first?.at ?? "", from: "a", to: "b", reason: "x", gapMs: 700, carried: 10 };
    const shown = dashboardOf(wellSources({ service, gateways: gatewaysWith(gatewaySeen("a", { lastFailover })) }));
    expect(shown.moves.map(({ to, gapMs, carried }) => [to, gapMs, carried])).toEqual([
      ["a", null, null],
      ["b", 700, 20],
    ]);
  });

  test("paused, waiting, out of service, not fenced and silent come first, each with its reason", () => {
    const service = wellService({
      decision: {
        kind: "escalate",
        reason: "not-fenced",
        detail: "gpu-a may still act",
        since: "x",
        fix: "cut its power",
      },
    });
    service.spec.pause = { by: "ann", at: new Date(WALL_MS).toISOString(), reason: "looking" };
    const [first] = service.status?.servers ?? [];
    if (first === undefined) throw new Error("no server");
    first.quarantine = { since: "x", remedy: "failover-reboot", reason: "silent" };
    first.fence = { fenced: false, reason: "no BMC" };
    const { alarms } = dashboardOf(wellSources({ service, gateways: gatewaysWith(null) }));
    expect(alarms.map(({ tone, title }) => `${tone} ${title}`)).toEqual([
      "bad NO GATEWAY ANSWERS",
      "bad A PERSON IS NEEDED",
      "warn PAUSED by ann",
      "bad OUT OF SERVICE gpu-a, needs failover-reboot",
      "warn gateway on 10.0.0.10, gpu-c does not answer",
    ]);
    expect(alarms[1]?.detail).toBe("gpu-a may still act. To do: cut its power");
    expect(alarms[3]?.detail).toBe("silent; NOT FENCED: no BMC");
  });

  test("GPUs: the words that decisions are made on; one that is gone, and one of a server that nobody hears", () => {
    const throttled = [
      gpu(0, { recoveryAction: "Reset" }),
      gpu(1, { remappedRowsPending: true }),
      ...[2, 3, 4, 5, 6].map((i) => gpu(i)),
    ];
    const silent = { ...heardServer("gpu-b"), lastHeardMs: MONO_MS - 5_000 };
    const evidence = new Map([
      ["gpu-a", heardServer("gpu-a", throttled)],
      ["gpu-b", silent],
    ]);
    const [a, b] = dashboardOf(wellSources({ evidence })).groups;
    expect(a?.servers[0]?.gpus.map(({ state }) => state)).toEqual([
      "bad",
      "watch",
      ...Array(5).fill("well"),
      "missing",
    ]);
    expect(a?.servers[0]?.gpus[0]?.reason).toContain("gpu-reset");
    expect(a?.servers[1]?.gpus.map(({ state }) => state)).toEqual(Array(8).fill("unknown"));
    expect(b?.servers.map(({ gpus }) => gpus)).toEqual([[], []]);
  });

  test("a rung that was never proved, as the API server gives it back: without the field that was null", () => {
    const rung = { name: "answers", ok: false, detail: "not proved yet" } as never;
    const service = wellService({ takeover: { ready: false, reasons: ["b: answers"], rungs: [rung] } });
    const shown = dashboardOf(wellSources({ service }));
    expect(shown.takeover.rungs).toEqual([{ name: "answers", ok: false, provenAt: null, detail: "not proved yet" }]);
    const html = dashboardPage(shown, { name: "v", role: "viewer", csrf: "" });
    expect(html).toContain("never proved");
    expect(html.split("<script>")[0]).not.toContain("undefined");
    expect(topText(shown, 80, plainPaint)).toContain("ANSWERS never");
  });

  test("an API server that is silent is told first: what was decided is of then", () => {
    const { alarms, decision } = dashboardOf(wellSources({ apiAgoMs: 9_000 }));
    expect(alarms).toMatchObject([{ title: "NO API SERVER", since: new Date(WALL_MS - 9_000).toISOString() }]);
    expect(decision?.reason).toBe("all-well");
  });

  test("without an API server: what gateways and agents say, and why no more", () => {
    const shown = dashboardOf(wellSources({ service: new Error("the API server does not answer") }));
    expect(shown).toMatchObject({ active: "a", decision: null, mode: null });
    expect(shown.alarms.at(-1)).toMatchObject({
      title: "by the gateways alone",
      detail: "the API server does not answer",
    });
  });
});

describe("tokens a second", () => {
  test("an answer is spread over the time since the one before; a gateway that starts anew counts from nothing", () => {
    let flow = heardTokens(NO_FLOW, "g", { a: 1000 }, 10_000);
    expect(ratesOf(flow, ["a"], 10_400).a?.at(-1), "the first answer says nothing of a rate").toBe(0);
    flow = heardTokens(flow, "g", { a: 1400 }, 12_000);
    expect(ratesOf(flow, ["a"], 12_000).a?.slice(-5)).toEqual([0, 200, 200, 200, 200]);
    flow = heardTokens(flow, "g", { a: 50 }, 12_000 + SLICE_MS);
    expect(ratesOf(flow, ["a"], 12_000 + SLICE_MS).a?.at(-1)).toBe(100);
  });

  test("two gateways add up, time moves on, and nothing is older than a minute", () => {
    let flow = heardTokens(NO_FLOW, "g", { a: 0 }, 0);
    flow = heardTokens(flow, "h", { a: 0 }, 0);
    flow = heardTokens(flow, "g", { a: 10 }, 1_000);
    flow = heardTokens(flow, "h", { a: 20 }, 1_000);
    expect(ratesOf(flow, ["a"], 1_000).a?.slice(-2)).toEqual([30, 30]);
    expect(ratesOf(flow, ["a"], 31_000).a?.reduce((sum, rate) => sum + rate)).toBe(60);
    expect(ratesOf(flow, ["a"], 90_000).a?.reduce((sum, rate) => sum + rate)).toBe(0);
    expect(ratesOf(flow, ["a", "b"], 90_000).b).toHaveLength(119);
  });
});

describe("a switchover that was a drill", () => {
  const facts = {
    id: "2026-11-24T15-10-02Z-switchover",
    stack: "prod",
    model: "deepseek-v3",
    from: "a",
    to: "b",
    by: "operator (dashboard)",
    askedMs: WALL_MS,
    movedMs: WALL_MS + 800,
    redundantMs: WALL_MS + 20_000,
    refused: null,
    versions: {},
  };

  test("passes within its budgets, and its record reads as any drill's", () => {
    const report = switchoverReport(facts);
    expect(report).toMatchObject({ passed: true, failures: [], scenario: "switchover", from: "a", to: "b" });
    expect(drillSummary(report)).toMatch(/decided +0\.80 +2\.00/);
  });

  test.each([
    ["late", { movedMs: WALL_MS + 2_500 }, "decided: 2.50 s, more than 2.00 s"],
    ["never redundant again", { redundantMs: null }, "redundant again: did not happen"],
    ["refused", { refused: "paused by ann", movedMs: null, redundantMs: null }, "refused: paused by ann"],
  ])("fails when it was %s, and says so", (_name, more, failure) => {
    const report = switchoverReport({ ...facts, ...more });
    expect(report.passed).toBe(false);
    expect(report.failures).toContain(failure);
  });
});

describe("records of drills", () => {
  const columns = ["Name", "Scenario", "Hit", "Result", "Gap", "Age", "By"].map((name) => ({ name }));
  const row = (name: string, ...cells: unknown[]) => ({ cells: [name, ...cells], object: { metadata: { name } } });

  test("as a table of the API server, and as objects: the same, newest first", () => {
    const table = {
      kind: "Table",
      columnDefinitions: columns,
      rows: [
        row("2026-11-20t04-10-00z-server-power", "server-power", "gpu-b", "Passed", 0.92, "4d", "ops@bastion"),
        row("2026-11-24t10-00-00z-switchover", "switchover", null, null, null, "5h", "operator (dashboard)"),
      ],
    };
    const object = (name: string, spec: object, status?: object) => ({ metadata: { name }, spec, status });
    const objects = {
      items: [
        object(
          "2026-11-20t04-10-00z-server-power",
          { scenario: "server-power", victim: "gpu-b", by: "ops@bastion", startedAt: "2026-11-20T04:10:00.000Z" },
          { result: "Passed", gapSeconds: 0.92 },
        ),
        object("2026-11-24t10-00-00z-switchover", {
          scenario: "switchover",
          by: "operator (dashboard)",
          startedAt: "2026-11-24T10:00:00.000Z",
        }),
      ],
    };
    expect(drillNotesOf(table)).toEqual(drillNotesOf(objects));
    expect(drillNotesOf(table)).toMatchObject([
      { scenario: "switchover", victim: null, result: null, gapSeconds: null },
      { scenario: "server-power", victim: "gpu-b", result: "Passed", gapSeconds: 0.92 },
    ]);
  });
});
