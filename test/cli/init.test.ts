import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { PassThrough } from "node:stream";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { askForRest } from "../../src/cli/init/ask.ts";
import type { InitFlags } from "../../src/cli/init/flags.ts";
import { starterSpec } from "../../src/cli/init/starter-spec.ts";
import { planServing } from "../../src/plan/plan-serving.ts";
import { parseSpec } from "../../src/spec/parse.ts";
import { scaffoldSpec } from "../../src/spec/scaffold.ts";
import { IMAGE } from "../spec/specs.ts";
import { tandem } from "../support/cli.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tandem-init-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const FOUR = "gpu-a=10.0.0.11,gpu-b=10.0.0.12,gpu-c=10.0.0.13,gpu-d=10.0.0.14";
const real: InitFlags = {
  provision: "ssh",
  servers: FOUR,
  controlPlane: "cp-1=10.0.0.10",
  interface: "ens1",
  image: IMAGE,
};

function specOf(flags: InitFlags) {
  const result = parseSpec(scaffoldSpec(starterSpec(flags), "x.json"), "test.yaml");
  if (!result.ok) expect.fail(JSON.stringify(result.problems));
  return result.spec;
}

describe("what the flags give passes validate, plan included", () => {
  const servers = (count: number) => FOUR.split(",").slice(0, count).join(",");
  test.each<[string, InitFlags, object]>([
    ["nothing", {}, { name: "local", gateway: { address: "10.231.0.100", on: ["cp-1", "gpu-c"] }, protect: false }],
    [
      "local with own servers",
      { servers: FOUR, controlPlane: "cp-1=10.0.0.10" },
      { provision: { kind: "local", subnet: "10.0.0.0/24" } },
    ],
    [
      "four servers",
      real,
      { groups: { a: ["gpu-a", "gpu-b"], b: ["gpu-c", "gpu-d"] }, failover: { standby: "hot" }, protect: true },
    ],
    [
      "three servers",
      { ...real, servers: servers(3) },
      { groups: { a: ["gpu-a", "gpu-b"] }, spares: ["gpu-c"], failover: { standby: "spare" } },
    ],
    [
      "two servers",
      { ...real, servers: servers(2) },
      { groups: { a: ["gpu-a", "gpu-b"] }, failover: { standby: "none" } },
    ],
    [
      "one server",
      { ...real, servers: servers(1) },
      { groups: { a: ["gpu-a"] }, model: { preset: "deepseek-r1-0528-awq" } },
    ],
    ["one H200 server", { ...real, servers: servers(1), gpu: "H200-141" }, { model: { preset: "deepseek-v3" } }],
    ["two H200 servers", { ...real, servers: servers(2), gpu: "H200-141" }, { groups: { a: ["gpu-a"], b: ["gpu-b"] } }],
    ["one B200 server", { ...real, servers: servers(1), gpu: "B200-180" }, { model: { preset: "deepseek-v3" } }],
    [
      "two A100 servers, which have no FP8",
      { ...real, servers: servers(2), gpu: "A100-80" },
      { groups: { a: ["gpu-a"], b: ["gpu-b"] }, model: { preset: "deepseek-r1-0528-awq" } },
    ],
    [
      "own groups",
      { ...real, group: ["x=gpu-d,gpu-a", "y=gpu-b,gpu-c"] },
      { groups: { x: ["gpu-d", "gpu-a"], y: ["gpu-b", "gpu-c"] } },
    ],
    [
      "one group of four",
      { ...real, group: ["x=gpu-d,gpu-a"] },
      { spares: ["gpu-b", "gpu-c"], failover: { standby: "spare" } },
    ],
    ["a gateway", { ...real, gateway: "10.0.0.100" }, { gateway: { on: ["cp-1", "gpu-c"] } }],
    [
      "a gateway placed",
      { ...real, gateway: "10.0.0.100", gatewayOn: "gpu-a,gpu-d" },
      { gateway: { on: ["gpu-a", "gpu-d"] } },
    ],
    [
      "InfiniBand",
      { ...real, rdmaDevices: "mlx5_0,mlx5_1" },
      { network: { rdma: { kind: "infiniband", devices: ["mlx5_0", "mlx5_1"] } } },
    ],
    [
      "RoCE",
      { ...real, rdma: "roce", rdmaDevices: "mlx5_0", gidIndex: "3" },
      { network: { rdma: { kind: "roce", gidIndex: 3 } } },
    ],
    [
      "an existing cluster",
      { provision: "existing", servers: FOUR, interface: "ens1", image: IMAGE, gateway: "10.0.0.9" },
      { controlPlane: {}, gateway: { on: ["gpu-c", "gpu-a"] } },
    ],
    [
      "model, context and aim",
      { ...real, model: "deepseek-r1", contextLength: "32768", optimizeFor: "throughput" },
      { model: { preset: "deepseek-r1", contextLength: 32768 }, engine: { optimizeFor: "throughput" } },
    ],
  ])("%s", (_name, flags, expected) => {
    const spec = specOf(flags);
    expect(spec).toMatchObject(expected);
    const planned = planServing(spec);
    expect(planned.ok ? [] : planned.problems).toEqual([]);
  });
});

describe("tandem init", () => {
  const flagsOf = (flags: InitFlags) =>
    Object.entries(flags).flatMap(([name, value]) => [
      `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
      String(value),
    ]);

  test("writes a file that validates, names its schema, and says what to do next", async () => {
    const file = join(folder, "prod.yaml");
    const { exitCode, stdout } = await tandem(["init", file, "--name", "prod", ...flagsOf(real)]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: expect.stringContaining(`tandem validate ${file}`) });
    expect((await tandem(["validate", file])).exitCode).toBe(0);
    const [first = ""] = (await readFile(file, "utf8")).split("\n");
    const schema = first.split("$schema=")[1] ?? "";
    expect(resolve(folder, schema)).toBe(resolve("stacks/tandem.schema.json"));
  });

  test("without an image it writes the placeholder and says so", async () => {
    const { image: _, ...flags } = real;
    const { exitCode, stdout } = await tandem(["init", join(folder, "later.yaml"), ...flagsOf(flags)]);
    expect({ exitCode, stdout }).toEqual({
      exitCode: 0,
      stdout: expect.stringContaining("put the digest into engine.image"),
    });
  });

  test("refuses to overwrite; --force does", async () => {
    const file = join(folder, "there.yaml");
    await writeFile(file, "precious\n");
    const refused = await tandem(["init", file]);
    expect(refused).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("E_FILE_EXISTS") });
    expect(await readFile(file, "utf8")).toBe("precious\n");
    expect((await tandem(["init", file, "--force"])).exitCode).toBe(0);
    expect(await readFile(file, "utf8")).toContain("name: local");
  });

  test("- prints", async () => {
    const { exitCode, stdout } = await tandem(["init", "-"], folder);
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: expect.stringContaining("kind: local") });
  });

  test.each<[string, InitFlags, RegExp]>([
    ["missing flags, all at once", { provision: "ssh" }, /--servers, --interface, --control-plane are missing/],
    ["an unknown kind", { provision: "aws" }, /E_INIT_MISSING|one of local, ssh, existing/],
    ["an address twice", { ...real, servers: "x=10.0.0.1,y=10.0.0.1" }, /10\.0\.0\.1 is used twice/],
    ["a server without an address", { ...real, servers: "gpu-a" }, /E_INIT_FLAG/],
    ["a server twice", { ...real, servers: "x=10.0.0.1,x=10.0.0.2" }, /E_INIT_FLAG/],
    ["an unknown model", { ...real, model: "deepseek-v33" }, /did you mean `deepseek-v3`/],
    ["a word for a number", { ...real, contextLength: "long" }, /model\.contextLength is "long"/],
  ])("%s: exit 1 and no file", async (_name, flags, expected) => {
    const file = join(folder, "wrong.yaml");
    const { exitCode, stderr } = await tandem(["init", file, ...flagsOf(flags)]);
    expect({ exitCode, stderr, written: existsSync(file) }).toEqual({
      exitCode: 1,
      stderr: expect.stringMatching(expected),
      written: false,
    });
  });

  test("a folder that is not there", async () => {
    const { exitCode, stderr } = await tandem(["init", join(relative(".", folder), "no", "x.yaml")]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: expect.stringContaining("E_FILE_WRITE") });
  });
});

describe("the questions", () => {
  /** Answers each prompt with the next line. */
  async function talk(lines: readonly string[], flags: InitFlags = {}): Promise<{ answers: InitFlags; shown: string }> {
    const input = new PassThrough();
    const output = new PassThrough();
    const left = [...lines];
    let shown = "";
    output.on("data", (chunk: Buffer) => {
      shown += chunk.toString();
      if (!/: $/.test(shown)) return;
      const next = left.shift();
      if (next === undefined) input.end();
      else input.write(`${next}\n`);
    });
    const answers = await askForRest(flags, input, output);
    expect(left).toEqual([]);
    return { answers, shown };
  }

  test("Enter alone gives the local cluster", async () => {
    const { answers } = await talk(["", "", ""]);
    expect(specOf(answers)).toEqual(specOf({}));
  });

  test("real servers", async () => {
    const { answers } = await talk([
      "ssh",
      "prod",
      FOUR,
      "",
      "cp-1=10.0.0.10",
      "",
      "",
      "/models/v3",
      IMAGE,
      "ens1",
      "roce",
      "mlx5_0,mlx5_1",
      "",
      "10.0.0.100",
    ]);
    expect(specOf(answers)).toMatchObject({
      name: "prod",
      groups: { a: ["gpu-a", "gpu-b"], b: ["gpu-c", "gpu-d"] },
      model: { weights: "/models/v3" },
      network: { rdma: { kind: "roce", devices: ["mlx5_0", "mlx5_1"], gidIndex: 3 } },
      gateway: { address: "10.0.0.100", on: ["cp-1", "gpu-c"] },
    });
  });

  test("a wrong answer is explained and asked again", async () => {
    const { answers, shown } = await talk([
      "cloud",
      "existing",
      "Prod!",
      "prod",
      "gpu-a",
      "gpu-a=10.0.0.300",
      "gpu-a=10.0.0.1",
      "",
      "",
      "",
      "",
      "",
      "ens1",
      "",
      "",
    ]);
    expect(shown).toContain("it must be one of local, ssh, existing");
    expect(shown).toContain('name is "Prod!"');
    expect(shown).toContain('it holds "gpu-a"');
    expect(shown).toContain('servers.gpu-a.address is "10.0.0.300"');
    expect(answers).toMatchObject({ provision: "existing", name: "prod", servers: "gpu-a=10.0.0.1" });
  });

  test("what a flag says is not asked", async () => {
    const { shown } = await talk(["", ""], { name: "lab" });
    expect(shown).not.toContain("Name of the stack");
  });

  test("answers pasted in one go", async () => {
    const input = new PassThrough();
    input.end(["existing", "prod", "gpu-a=10.0.0.1", "", "", "", "", "", "ens1", "", "", ""].join("\n"));
    const answers = await askForRest({}, input, new PassThrough());
    expect(answers).toMatchObject({ name: "prod", servers: "gpu-a=10.0.0.1", interface: "ens1", rdma: "none" });
  });

  test.skipIf(process.platform !== "linux")("on a terminal tandem asks and writes what was answered", async () => {
    const main = resolve("src/cli/main.ts");
    const file = join(folder, "asked.yaml");
    // `script` gives the command a terminal; what it types comes from the pipe.
    const { exitCode, stdout } = await execa(
      "script",
      ["-qec", `${process.execPath} ${main} init ${file}`, "/dev/null"],
      {
        input: "local\nlab\n\n",
        reject: false,
      },
    );
    expect({ exitCode, stdout }).toEqual({
      exitCode: 0,
      stdout: expect.stringContaining("Name of the stack [local]:"),
    });
    expect(parseSpec(await readFile(file, "utf8"), file)).toMatchObject({ ok: true, spec: { name: "lab" } });
  });

  test("the input ends: nothing is written", async () => {
    await expect(talk(["ssh"])).rejects.toMatchObject({ code: "E_INIT_CANCELLED" });
  });
});
