import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { reasonsAgainst } from "../../src/cli/drill/service.ts";
import { readChoices, readReport, readReports } from "../../src/drill/record/read-record.ts";
import { replay } from "../../src/drill/record/replay.ts";
import { writeRecord } from "../../src/drill/record/write-record.ts";
import { clearIntent, intentFile, readIntent, writeIntent } from "../../src/drill/scenarios/intent.ts";
import type { DrillOutcome } from "../../src/drill/scenarios/run-drill.ts";
import { DEFAULT_TIMING } from "../../src/failover/choose/timing.ts";
import { choose } from "../../src/failover/choose.ts";
import type { ModelService } from "../../src/manifests/model-service/resource.ts";
import { AT, group, idle, server, view } from "../failover/views.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "records-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** Silent for 650 ms, its neighbours heard, and no token. */
const silent = view({
  groups: [
    group("a", {
      servers: [server("gpu-a", { lastHeardMs: AT - 650 }), server("gpu-b")],
      lastTokenMs: AT - 650,
      waitingSinceMs: AT - 650,
      canary: { askedMs: AT - 300, answeredMs: AT - 2_000, failedMs: null },
    }),
    idle("b"),
  ],
});
const recorded = {
  timing: DEFAULT_TIMING,
  decisions: [view(), silent].map((one, at) => ({
    wallMs: 1_000 + at,
    changed: at === 1,
    view: one,
    choice: choose(one),
  })),
};
const outcome = {
  report: { format: 1, id: "2026-11-01T10-00-00Z-server-power", startedAt: "2026-11-01T10:00:00.000Z" },
  evidence: [],
  decisions: recorded,
  records: [],
} as unknown as DrillOutcome;

describe("a record", () => {
  test("is read as it was written, and two of one second stand beside each other", async () => {
    const [one, two] = [await writeRecord(folder, outcome), await writeRecord(folder, outcome)];
    expect(two).toBe(`${one}-1`);
    expect(await readReport(two)).toEqual(outcome.report);
    expect(await readChoices(one)).toEqual(JSON.parse(JSON.stringify(recorded)));
    expect((await readReports(folder)).map((each) => each.folder)).toEqual([one, two]);
    expect((await readdir(folder)).filter((name) => name.includes(".part"))).toEqual([]);
  });

  test("that is none is refused, one of a later format too, and a list passes both by", async () => {
    await expect(readReport("/nowhere")).rejects.toMatchObject({ code: "E_RECORD" });
    await expect(readChoices(folder)).rejects.toMatchObject({ code: "E_RECORD" });
    const other = await writeRecord(folder, {
      ...outcome,
      report: { ...outcome.report, format: 2 as never, id: "later" },
    });
    await expect(readReport(other)).rejects.toThrow("its format is 2");
    expect((await readReports(folder)).map((each) => each.folder)).not.toContain(other);
  });
});

describe("made again", () => {
  test("the choices come out the same; another threshold changes the one that rests on it, and it is said how", () => {
    expect(choose(silent)).toMatchObject({ kind: "use", group: "b" });
    expect(replay(recorded)).toEqual({ choices: 2, differences: [] });
    const { differences } = replay(recorded, { silentAfterMs: 700 });
    expect(differences).toHaveLength(1);
    expect(differences[0]).toMatchObject({
      wallMs: 1_001,
      was: expect.stringContaining("use b: group a: gpu-a is silent"),
    });
    expect(differences[0]?.is).toContain("use a: ");
  });

  test("a choice to hold rests on how long requests are held", () => {
    const nobody = view({ groups: silent.groups.filter(({ id }) => id === "a") });
    const choice = choose(nobody);
    expect(choice).toMatchObject({ kind: "hold", untilMs: AT + DEFAULT_TIMING.holdDeadlineMs });
    const held = { timing: DEFAULT_TIMING, decisions: [{ wallMs: 1_000, changed: true, view: nobody, choice }] };
    expect(replay(held).differences).toEqual([]);
    expect(replay(held, { holdDeadlineMs: 20_000 }).differences).toHaveLength(1);
  });
});

describe.skipIf(process.platform !== "linux")("what a drill notes before it does it", () => {
  const home = process.env.TANDEM_HOME;
  beforeAll(() => {
    process.env.TANDEM_HOME = folder;
  });
  afterAll(() => {
    if (home === undefined) delete process.env.TANDEM_HOME;
    else process.env.TANDEM_HOME = home;
  });

  test("is found while it runs, and after it was killed", async () => {
    expect(await readIntent("some")).toBeNull();
    await writeIntent("some", "server-power", [{ cause: "server-power", victim: "gpu-a" }]);
    expect(await readIntent("some")).toMatchObject({
      runs: true,
      intent: { scenario: "server-power", done: [{ cause: "server-power", victim: "gpu-a" }] },
    });
    const found = await readIntent("some");
    const dead = { ...found?.intent, process: { pid: process.pid, startTicks: "1" } };
    await writeFile(intentFile("some"), JSON.stringify(dead));
    expect(await readIntent("some")).toMatchObject({ runs: false });
    await clearIntent("some");
    expect(await readIntent("some")).toBeNull();
  });
});

describe("what the reconciler holds against a drill", () => {
  const service = (more: Partial<ModelService["spec"]>, status?: object) =>
    ({ spec: more, ...(status === undefined ? {} : { status }) }) as ModelService;
  const ready = { takeover: { ready: true, reasons: [], rungs: [] } };
  const request = { id: "1", kind: "drain" as const, target: "gpu-a", by: "ann", at: "" };

  test.each<[string, ModelService, string[]]>([
    ["nothing", service({}, ready), []],
    [
      "a pause",
      service({ pause: { by: "ann", at: "", reason: "cables" } }, ready),
      ["the automation is paused by ann: cables"],
    ],
    ["an order that is open", service({ request }, ready), ["a drain of gpu-a is under way"]],
    ["no more when it is done", service({ request }, { ...ready, handledRequest: { id: "1" } }), []],
    ["no standby", service({}, { takeover: { ready: false, reasons: ["b: loading"] } }), ["b: loading"]],
    ["nothing looked at yet", service({}), ["the reconciler has not looked at the cluster yet"]],
  ])("%s", (_name, one, expected) => {
    expect(reasonsAgainst(one)).toEqual(expected);
  });
});
