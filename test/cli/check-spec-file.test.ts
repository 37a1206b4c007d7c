import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkSpecFile } from "../../src/cli/load-plan.ts";
import { changed } from "../spec/specs.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tandem-check-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function check(changes: Record<string, unknown>) {
  const file = join(folder, "x.yaml");
  await writeFile(file, changed(changes));
  const { problems, plan } = checkSpecFile(file);
  const errors = problems.filter(({ severity }) => severity === "error");
  return { plan, errors, said: errors.map(({ what, why, fix }) => `${what}: ${why}; ${fix}`).join("\n") };
}

const only = (...names: string[]) =>
  Object.fromEntries(
    ["gpu-a", "gpu-b", "gpu-c", "gpu-d"]
      .filter((name) => !names.includes(name))
      .map((name) => [`servers.${name}`, undefined]),
  );
const one = { ...only("gpu-a"), groups: { a: ["gpu-a"] }, "failover.standby": "none", "gateway.on": ["cp-1"] };
const two = {
  ...only("gpu-a", "gpu-b"),
  groups: { a: ["gpu-a", "gpu-b"] },
  "failover.standby": "none",
  "gateway.on": ["cp-1"],
};
const all = { groups: { a: ["gpu-a", "gpu-b", "gpu-c", "gpu-d"] }, "failover.standby": "none", "gateway.on": ["cp-1"] };

describe("a spec that spec and plan accept", () => {
  test.each<[string, Record<string, unknown>]>([
    ["two groups", {}],
    ["one group", two],
    ["the last dist block", { "network.ports": { dist: 21986 } }],
    ["a flag that nobody owns", { "engine.extraArgs": ["--log-level", "info"] }],
  ])("%s", async (_name, changes) => {
    const { plan, said } = await check(changes);
    expect(said).toBe("");
    expect(plan?.name).toBe("prod");
  });
});

// The list of part 1, through the whole check: what is said must name the reason and what would work.
describe("refused with the reason and what would work", () => {
  test.each<[string, Record<string, unknown>, RegExp[]]>([
    ["8+4 GPUs for FP8", { ...two, "servers.gpu-b.gpus": 4 }, [/8 and 4 GPUs/, /fix|use servers of 8 GPUs/]],
    ["mixed GPUs in a group", { ...two, "servers.gpu-b.gpu": "H20-96" }, [/H100-80 and H20-96/, /one kind of GPU/]],
    ["FP8 on one 8×H100", one, [/GiB/, /second|two|2|H200|4-bit|awq/i]],
    ["TP32 for FP8", { ...all, "engine.layout": "tp32" }, [/tp32/i, /2048|128|block/]],
    ["TP12", { ...two, "engine.layout": "tp12" }, [/tp12/i]],
    ["an unknown layout", { ...two, "engine.layout": "fast" }, [/fast/]],
    [
      "redundant experts that do not divide",
      { ...two, "engine.layout": "dp16-ep16", "engine.redundantExperts": 3 },
      [/256 ?\+ ?3|259/],
    ],
    [
      "a context longer than one rank's pool",
      { ...two, "engine.layout": "dp16-ep16", "model.contextLength": 163840 },
      [/163,?840/],
    ],
    ["a context longer than the model's", { ...two, "model.contextLength": 1000000 }, [/1,?000,?000/]],
    [
      "DP-attention without its companions",
      { ...two, "engine.extraArgs": ["--enable-dp-attention"] },
      [/attn-dp-size|engine\.layout/],
    ],
    [
      "a removed flag",
      { ...two, "engine.extraArgs": ["--cuda-graph-max-bs", "128"] },
      [/removed/, /cuda-graph-max-bs-decode/],
    ],
    ["a deprecated flag", { ...two, "engine.extraArgs": ["--disable-cuda-graph"] }, [/deprecated/]],
    ["an abbreviated flag", { ...two, "engine.extraArgs": ["--log-lev", "info"] }, [/--log-level/]],
    ["a flag that a field sets", { ...two, "engine.extraArgs": ["--tp-size=8"] }, [/engine\.layout/]],
    ["a key in a command line", { ...two, "engine.extraArgs": ["--api-key", "x"] }, [/\/proc/]],
    ["http in the NodePort range", { ...two, "network.ports": { http: 30000 } }, [/NodePort/]],
    ["dist in the NodePort range", { ...two, "network.ports": { dist: 32000 } }, [/NodePort/]],
    ["dist in the ephemeral range", { ...two, "network.ports": { dist: 40000 } }, [/ephemeral/]],
    ["dist in SGLang's range", { ...two, "network.ports": { dist: 25000 } }, [/22000-29999/]],
    ["the end of the dist block in SGLang's range", { ...two, "network.ports": { dist: 21990 } }, [/22000/]],
    ["http in the dist block", { ...two, "network.ports": { http: 20013 } }, [/20000-20013/]],
    ["the gateway on the engine's port", { "gateway.port": 8000 }, [/8000/, /gateway/]],
    ["kubelet's port", { ...two, "network.ports": { http: 10250 } }, [/kubelet/]],
  ])("%s", async (_name, changes, expected) => {
    const { plan, errors, said } = await check(changes);
    expect(plan).toBeUndefined();
    for (const pattern of expected) expect(said).toMatch(pattern);
    for (const { line, column } of errors) expect([line > 0, column > 0]).toEqual([true, true]);
  });

  test.each<[string, Record<string, unknown>, string]>([
    ["relations", { "servers.gpu-b.address": "10.0.0.11" }, "servers.gpu-b"],
    ["a wrong field", { "failover.standby": "warm" }, "failover.standby"],
    ["an unknown key", { "model.wieghts": "/x" }, "model.wieghts"],
    ["a wrong group", { "groups.b": ["gpu-c", "gpu-x"] }, "groups.b"],
  ])("with %s come ports, flags and gateways, all in the order of the file", async (_name, change, place) => {
    const { errors } = await check({
      ...change,
      "network.ports": { http: 30000 },
      "engine.extraArgs": ["--tp-size=8"],
      "gateway.on": ["cp-1", "cp-1"],
    });
    const lines = errors.map(({ line }) => line);
    expect(errors.map(({ path }) => path.slice(0, 2).join("."))).toEqual(
      expect.arrayContaining([place, "network.ports", "engine.extraArgs", "gateway.on"]),
    );
    expect(lines).toEqual(lines.toSorted((a, b) => a - b));
  });
});
