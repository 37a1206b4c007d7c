import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { changed } from "../spec/specs.ts";
import { tandem } from "../support/cli.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tandem-validate-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function specFile(changes: Record<string, unknown>): Promise<string> {
  await writeFile(join(folder, "x.yaml"), changed(changes));
  return "x.yaml";
}

describe("tandem validate", () => {
  test("a good spec: exit 0 and one line", async () => {
    const { exitCode, stdout, stderr } = await tandem(["validate", "stacks/local.yaml"]);
    expect({ exitCode, stdout, stderr }).toEqual({
      exitCode: 0,
      stdout: expect.stringMatching(
        /^stacks\/local\.yaml is valid: deepseek-v3, .*active a on gpu-a, gpu-b; standby b on gpu-c, gpu-d$/,
      ),
      stderr: "",
    });
  });

  test("a placeholder digest is refused, and accepted where asked for", async () => {
    const refused = await tandem(["validate", "stacks/example.yaml"]);
    expect(refused).toMatchObject({ exitCode: 1, stdout: "", stderr: expect.stringContaining("placeholder") });
    const accepted = await tandem(["validate", "stacks/example.yaml", "--allow-placeholder"]);
    expect(accepted).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("is valid with 1 warning") });
  });

  test("problems: file, line, column, caret, why and fix on stderr; exit 1", async () => {
    const file = await specFile({ "groups.b": ["gpu-b", "gpu-d"], "engine.iamge": "x", "gateway.on": ["cp-1"] });
    const { exitCode, stdout, stderr } = await tandem(["validate", file], folder);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
    expect(stderr).toMatch(/^tandem: x\.yaml has 2 errors:/);
    const lines = stderr.split("\n");
    const at = lines.findIndex((line) => line.includes("E_SPEC_SERVER_TWICE"));
    expect(lines.slice(at, at + 5)).toEqual([
      expect.stringMatching(/^x\.yaml:\d+:7: gpu-b is in group a and again in group b {2}\[E_SPEC_SERVER_TWICE\]$/),
      "        - gpu-b",
      "          ^",
      expect.stringMatching(/^ {2}why: /),
      expect.stringMatching(/^ {2}fix: /),
    ]);
    expect(stderr).toContain("did you mean `image`?");
  });

  test("--output json: the verdict on stdout, the errors on stderr", async () => {
    const file = await specFile({ "network.ports": { http: 30000 } });
    const { exitCode, stdout, stderr } = await tandem(["validate", file, "--output", "json"], folder);
    expect(exitCode).toBe(1);
    const problem = {
      code: "E_PLAN_PORT",
      severity: "error",
      path: ["network", "ports", "http"],
      file,
      line: expect.any(Number),
    };
    expect(JSON.parse(stdout)).toMatchObject({ file, valid: false, problems: [problem] });
    expect(JSON.parse(stderr)).toMatchObject({ errors: [{ code: "E_SPEC", problems: [problem] }] });
  });

  test("--output yaml", async () => {
    const { exitCode, stdout } = await tandem(["validate", "stacks/local.yaml", "-o", "yaml"]);
    expect({ exitCode, data: parse(stdout) }).toEqual({
      exitCode: 0,
      data: { file: "stacks/local.yaml", valid: true, problems: [] },
    });
  });

  test("what the plan refuses has a place too", async () => {
    const file = await specFile({
      groups: { a: ["gpu-a"] },
      "servers.gpu-b": undefined,
      "servers.gpu-c": undefined,
      "servers.gpu-d": undefined,
      "gateway.on": ["cp-1"],
      "failover.standby": "none",
    });
    const { exitCode, stderr } = await tandem(["validate", file], folder);
    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: expect.stringMatching(/x\.yaml:\d+:\d+: /) });
  });

  test.each([
    ["no file", "none.yaml", /E_SPEC_FILE/],
    ["a folder", ".", /EISDIR/],
  ])("%s: exit 1 and what to do", async (_name, file, expected) => {
    const { exitCode, stderr } = await tandem(["validate", file], folder);
    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: expect.stringMatching(expected) });
  });

  test("an unknown flag: exit 1", async () => {
    expect((await tandem(["validate", "stacks/local.yaml", "--nope"])).exitCode).toBe(1);
  });

  test("--help shows examples", async () => {
    const { exitCode, stdout } = await tandem(["validate", "--help"]);
    expect({ exitCode, stdout }).toEqual({
      exitCode: 0,
      stdout: expect.stringContaining("tandem validate prod.yaml --output json"),
    });
  });
});

describe("tandem schema", () => {
  test("--out writes it, and says where it cannot", async () => {
    expect(await tandem(["schema", "--out", join(folder, "s.json")])).toMatchObject({ exitCode: 0, stdout: "" });
    expect(JSON.parse(await readFile(join(folder, "s.json"), "utf8")).title).toBe("Tandem spec");
    const { exitCode, stderr } = await tandem(["schema", "--out", join(folder, "no/s.json")]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: expect.stringContaining("E_FILE_WRITE") });
  });

  test("prints the schema", async () => {
    const { exitCode, stdout } = await tandem(["schema"]);
    expect({ exitCode, title: JSON.parse(stdout).title }).toEqual({ exitCode: 0, title: "Tandem spec" });
  });
});
