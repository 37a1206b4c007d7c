import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { RehearsalReport } from "../../src/report/rehearsal.ts";
import { DetachedCli } from "../support/detached-cli.ts";

const folder = mkdtempSync(join(tmpdir(), "rehearse-test-"));
const records = mkdtempSync(join(tmpdir(), "rehearse-records-"));
afterAll(() => {
  for (const one of [folder, records]) rmSync(one, { recursive: true, force: true });
});

const cli = new DetachedCli(folder);
const start = (args: readonly string[]) => cli.start(["rehearse", "--records", records, ...args]);
const nothingIsLeft = () => cli.nothingIsLeft(5_000);

describe.skipIf(process.platform !== "linux")("tandem rehearse", () => {
  test("tells the story, says it as JSON, and leaves nothing behind", async () => {
    const { said, ended } = start(["--fault", "gpu-xid", "--streams", "6", "--output", "json"]);
    const [code] = await ended;
    const report = JSON.parse(said.out) as RehearsalReport;
    expect(report).toMatchObject({
      fault: "gpu-xid",
      from: "a",
      to: "b",
      streams: { streams: 6, perfect: 6, lost: 0 },
    });
    expect(report.reason).toContain("XID 79");
    // A machine that is busy with other things may be late; then the command says so.
    expect({ code, passed: report.passed }).toEqual(
      report.passed ? { code: 0, passed: true } : { code: 2, passed: false },
    );
    await nothingIsLeft();
    const [record = ""] = readdirSync(records);
    expect(record).toMatch(/-gpu-xid$/);
    const files = ["decisions.jsonl", "evidence.jsonl", "report.json", "streams.jsonl"];
    expect(readdirSync(join(records, record)).toSorted()).toEqual(files);
  });

  test.each<[NodeJS.Signals, string]>([
    ["SIGINT", "Ctrl-C"],
    ["SIGKILL", "a killed rehearsal"],
  ])("%s: %s leaves nothing behind", async (signal) => {
    const { child, said, ended } = start(["--streams", "2"]);
    while (!said.out.includes("ranks have loaded")) await once(child, "said");
    expect(cli.leftovers().length).toBeGreaterThan(4);
    child.kill(signal);
    expect((await ended)[1]).toBe(signal);
    await nothingIsLeft();
  });

  test.each<[string, string[], string]>([
    ["a stack of one group", ["stacks/single.yaml"], "E_REHEARSAL_GROUPS"],
    ["a server that is in no group", ["--victim", "gpu-x"], "name one of gpu-a, gpu-b"],
    ["a server of the standby", ["--victim", "gpu-c"], "interrupts nobody"],
    ["an unknown fault", ["--fault", "meteor"], "Allowed choices are"],
    ["no streams", ["--streams", "0"], "whole number from 1"],
    ["no spec", ["nowhere.yaml"], "E_SPEC_FILE"],
  ])("refuses %s before anything starts", async (_name, args, sentence) => {
    const { said, ended } = start(args);
    expect((await ended)[0]).toBe(1);
    expect(said.err).toContain(sentence);
    expect(said.out).toBe("");
  });
});
