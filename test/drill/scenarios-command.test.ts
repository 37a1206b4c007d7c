import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { DrillReport } from "../../src/report/drill.ts";
import { DetachedCli } from "../support/detached-cli.ts";

const folder = mkdtempSync(join(tmpdir(), "drill-test-"));
const home = mkdtempSync(join(tmpdir(), "drill-home-"));
afterAll(() => {
  for (const one of [folder, home]) rmSync(one, { recursive: true, force: true });
});

const cli = new DetachedCli(folder, { TANDEM_HOME: home });
const start = (args: readonly string[]) => cli.start(args);
const nothingIsLeft = () => cli.nothingIsLeft(10_000);

describe.skipIf(process.platform !== "linux")("tandem drill", () => {
  test("runs one, writes record, page and JUnit, and what it recorded replays", async () => {
    const junit = join(home, "drills.xml");
    const { said, ended } = start(["drill", "run", "gpu-xid", "--streams", "6", "--junit", junit, "--output", "json"]);
    const [code] = await ended;
    const report = JSON.parse(said.out) as DrillReport;
    expect(report).toMatchObject({ scenario: "gpu-xid", stack: "local", streams: { perfect: 6, lost: 0, doubled: 0 } });
    // A computer that is busy with other things may be late; then the command says so.
    expect(code).toBe(report.passed ? 0 : 2);
    expect(readFileSync(junit, "utf8")).toContain(`tests="1" failures="${report.passed ? 0 : 1}"`);
    const record = join(home, "records", "local", report.id);
    expect(readFileSync(join(record, "report.html"), "utf8")).toContain("Drill gpu-xid on local");
    await nothingIsLeft();

    const again = start(["replay", record]);
    expect((await again.ended)[0]).toBe(0);
    expect(again.said.out).toContain("come out the same");
    const other = start(["replay", record, "--set", "provenForMs=1"]);
    expect((await other.ended)[0]).toBe(2);
    expect(other.said.out).toContain("would be different");
    const shown = start(["drill", "report"]);
    expect((await shown.ended)[0]).toBe(0);
    expect(shown.said.out).toContain("gpu-xid");
  });

  test.each<[NodeJS.Signals, number | null]>([
    ["SIGINT", 2],
    ["SIGKILL", null],
  ])("%s in the middle leaves nothing behind", async (signal, expected) => {
    const { child, said, ended } = start(["drill", "run", "server-power", "--streams", "4"]);
    while (!said.out.includes("the gateway goes over")) await once(child, "said");
    child.kill(signal);
    expect((await ended)[0]).toBe(expected);
    if (signal === "SIGINT") expect(said.err).toContain("E_DRILL_ABORTED");
    await nothingIsLeft();
  });

  test.each<[string, string[], string]>([
    ["an unknown drill", ["drill", "run", "meteor"], "E_DRILL_SCENARIO"],
    ["a drill that needs a cluster", ["drill", "run", "api-server-down"], "E_DRILL_ARENA"],
    ["a stack that is not there", ["drill", "run", "switchover", "--stack", "nowhere"], "E_NO_STACK"],
    ["a stack of one group", ["drill", "run", "gpu-xid", "--spec", "stacks/single.yaml"], "E_REHEARSAL_GROUPS"],
    ["a report of nothing", ["drill", "report", "--stack", "nowhere"], "E_NO_RECORDS"],
    ["a record that is none", ["replay", "/"], "E_RECORD"],
    ["a threshold that is none", ["replay", "/", "--set", "patienceMs=1"], "E_THRESHOLD"],
  ])("refuses %s and does nothing", async (_name, args, code) => {
    const { said, ended } = start(args);
    expect((await ended)[0]).toBe(1);
    expect(said.err).toContain(code);
    expect(said.out).toBe("");
  });
});
