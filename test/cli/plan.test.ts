import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import type { ServingPlan } from "../../src/plan/serving-plan.ts";
import { changed } from "../spec/specs.ts";
import { tandem } from "../support/cli.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tandem-plan-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("tandem plan, for a person", () => {
  test.each(["example", "roce"])("%s: the golden file is not stale, and 80 columns hold it", async (name) => {
    const { exitCode, stdout, stderr } = await tandem(["plan", `stacks/${name}.yaml`]);
    const golden = await readFile(`test/cli/golden/plan-${name}.txt`, "utf8");
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(
      `${stdout}\n`,
      `stale: run \`tandem plan stacks/${name}.yaml > test/cli/golden/plan-${name}.txt\` and look`,
    ).toBe(golden);
    expect(stdout.split("\n").filter((line) => [...line].length > 80)).toEqual([]);
  });

  test("it shows groups, ranks, memory, the choice and three rejections with their reasons", async () => {
    const golden = await readFile("test/cli/golden/plan-example.txt", "utf8");
    for (const wanted of [
      /^GROUP a, active/m,
      /^GROUP b, standby/m,
      /gpu-d .*ranks 8-15/,
      /^LAYOUT tp16$/m,
      /why {3}optimizeFor latency/,
      /^MEMORY of each of the 16 GPUs/m,
      /402,029 tokens/,
      /^REJECTED, 3 of \d+/m,
      /^WARNINGS \d/m,
    ]) {
      expect(golden).toMatch(wanted);
    }
    const rejected = golden.slice(golden.indexOf("REJECTED"), golden.indexOf("WARNINGS"));
    expect(rejected.match(/^ {2}\w\S+$/gm)).toHaveLength(3);
    expect(rejected.match(/^ {4}- /gm)?.length).toBeGreaterThanOrEqual(3);
  });
});

describe("tandem plan, for a program", () => {
  test("--output json keeps the contract", async () => {
    const { exitCode, stdout } = await tandem(["plan", "stacks/example.yaml", "--output", "json"]);
    const plan = JSON.parse(stdout) as ServingPlan;
    expect(exitCode).toBe(0);
    expect(plan).toMatchObject({
      name: "example",
      groups: { a: { servers: ["gpu-a", "gpu-b"] }, b: { servers: ["gpu-c", "gpu-d"] } },
      layout: {
        name: "tp16",
        tensorParallel: 16,
        pipelineParallel: 1,
        dataParallel: 1,
        expertParallel: 1,
        redundantExperts: 0,
      },
      memory: {
        weightsGiBPerGpu: 40.284,
        kvBytesPerToken: 70272,
        kvTokens: 402029,
        memFractionStatic: 0.85,
        maxContextTokens: 163840,
      },
      budget: expect.any(Array),
    });
    expect(plan.launch.leader.args.slice(0, 3)).toEqual(["python3", "-m", "sglang.launch_server"]);
    expect(plan.launch.worker.args).toEqual(plan.launch.leader.args);
    expect(plan.rejected.length).toBeGreaterThan(3);
    for (const { layout, reasons } of plan.rejected) {
      expect([layout.name, reasons.length > 0 && reasons.every((reason) => / \[\w+\]$/.test(reason))]).toEqual([
        layout.name,
        true,
      ]);
    }
    expect(plan.warnings.some((text) => text.startsWith("engine.image: "))).toBe(true);
  });

  test("--output yaml says the same", async () => {
    const json = await tandem(["plan", "stacks/roce.yaml", "-o", "json"]);
    const yaml = await tandem(["plan", "stacks/roce.yaml", "-o", "yaml"]);
    expect(parse(yaml.stdout)).toEqual(JSON.parse(json.stdout));
  });

  test("refused: exit 1, nothing on stdout, the reasons on stderr in the asked form", async () => {
    const file = join(folder, "x.yaml");
    await writeFile(file, changed({ "engine.layout": "dp16-ep16", "model.contextLength": 163840 }));
    const text = await tandem(["plan", file]);
    expect({ exitCode: text.exitCode, stdout: text.stdout }).toEqual({ exitCode: 1, stdout: "" });
    expect(text.stderr).toMatch(/layout dp16-ep16 cannot run on 2 × 8 H100-80 {2}\[E_PLAN_LAYOUT\]/);
    expect(text.stderr).toContain("model.contextLength 135,383 or less");
    const json = await tandem(["plan", file, "--output", "json"]);
    expect({ exitCode: json.exitCode, stdout: json.stdout }).toEqual({ exitCode: 1, stdout: "" });
    expect(JSON.parse(json.stderr)).toMatchObject({
      errors: [{ code: "E_SPEC", problems: [{ code: "E_PLAN_LAYOUT", path: ["engine", "layout"] }] }],
    });
  });

  test("a reader that closes the pipe early does no harm", async () => {
    const { execa } = await import("execa");
    const script = `set -o pipefail; ${process.execPath} src/cli/main.ts plan stacks/example.yaml -o json | head -1`;
    const { exitCode, stdout, stderr } = await execa("bash", ["-c", script], { reject: false });
    expect({ exitCode, stdout, stderr }).toEqual({ exitCode: 0, stdout: "{", stderr: "" });
  });
});
