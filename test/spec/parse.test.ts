import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { parseSpec } from "../../src/spec/parse.ts";
import { briefly, changed, GOOD, problemsOf } from "./specs.ts";

/** `line:column CODE` of each problem. */
function places(text: string): string[] {
  return problemsOf(text).map(({ line, column, code }) => `${line}:${column} ${code}`);
}

describe("a good spec", () => {
  test("comes back with its defaults", () => {
    const result = parseSpec(GOOD, "test.yaml");
    expect(result.ok && result.spec).toMatchObject({
      protect: true,
      spares: [],
      servers: { "gpu-a": { gpu: "H100-80", gpus: 8 } },
      network: { ports: { http: 8000, dist: 20000 }, podCidr: "10.244.0.0/16" },
      failover: { mode: "automatic", maxPerHour: 2 },
    });
  });

  test("keeps the order of servers and groups", () => {
    const text = GOOD.replace("  a: [gpu-a, gpu-b]\n  b: [gpu-c, gpu-d]", "  z: [gpu-a, gpu-b]\n  b: [gpu-c, gpu-d]");
    const result = parseSpec(text, "test.yaml");
    expect(result.ok && Object.keys(result.spec.groups)).toEqual(["z", "b"]);
  });

  test("the word emulator becomes the emulator's image", () => {
    const result = parseSpec(readFileSync("stacks/local.yaml", "utf8"), "stacks/local.yaml");
    expect(result.ok && result.spec.engine.image).toBe("tandem.local/sglang-emulator:dev");
  });
});

describe("all problems come at once, in the order of the file", () => {
  const text = `nmae: prod
provision: {kind: sshh, identityFile: x, knownHosts: y}
servers:
  gpu-a: {address: 10.0.0.300, gpuss: 8}
  gpu-b: {address: 10.0.0.12}
  gpu-c: {address: 10.0.0.12, gpu: H100}
  Gpu_D: {address: 10.0.0.14}
controlPlane: {cp-1: {address: 10.244.0.1}}
groups:
  a: [gpu-a, gpu-b]
  b: [gpu-b, gpu-x]
model: {preset: deepseek-v3, weights: models}
engine: {image: "x@sha256:placeholder", optimizeFor: speed, redundantExperts: 1.5, speculative: "yes"}
network: {interface: 7}
gateway: {address: 10.0.0.100, on: []}
protect: 1
`;
  test("places and codes", () => {
    expect(places(text)).toEqual([
      "1:1 E_SPEC_UNKNOWN_KEY",
      "2:19 E_SPEC_VALUE",
      "4:20 E_SPEC_VALUE",
      "4:32 E_SPEC_UNKNOWN_KEY",
      "6:20 E_SPEC_ADDRESS_OVERLAP",
      "6:36 E_SPEC_VALUE",
      "7:3 E_SPEC_NAME",
      "8:32 E_SPEC_ADDRESS_OVERLAP",
      "11:7 E_SPEC_SERVER_TWICE",
      "11:14 E_SPEC_UNKNOWN_SERVER",
      "12:39 E_SPEC_VALUE",
      "13:54 E_SPEC_VALUE",
      "13:79 E_SPEC_TYPE",
      "13:97 E_SPEC_TYPE",
      "14:22 E_SPEC_TYPE",
      "15:32 E_SPEC_VALUE",
      "16:10 E_SPEC_TYPE",
    ]);
  });

  test("a mistyped key is not reported as missing too", () => {
    expect(problemsOf(text).filter(({ code }) => code === "E_SPEC_MISSING")).toEqual([]);
    expect(problemsOf(text)[0]?.fix).toBe("did you mean `name`?");
  });
});

describe("one mistake is one problem", () => {
  test.each<[string, Record<string, unknown>, string[]]>([
    ["a group that is no list", { "groups.a": "gpu-a" }, ["E_SPEC_TYPE groups.a"]],
    ["a member that is no name", { "groups.a": ["gpu-a", 7] }, ["E_SPEC_TYPE groups.a.1"]],
    ["a server that is no map", { "servers.gpu-b": "10.0.0.12" }, ["E_SPEC_TYPE servers.gpu-b"]],
    ["an address that is none", { "servers.gpu-b.address": "ten" }, ["E_SPEC_VALUE servers.gpu-b.address"]],
    ["servers that are no map", { servers: 4 }, ["E_SPEC_TYPE servers"]],
    ["an unknown standby", { "failover.standby": "warm" }, ["E_SPEC_VALUE failover.standby"]],
    ["an unknown kind", { "provision.kind": "aws" }, ["E_SPEC_VALUE provision.kind"]],
    ["no gateway place", { "gateway.on": [] }, ["E_SPEC_VALUE gateway.on"]],
    ["a GPU that is unknown", { "servers.gpu-b.gpu": "H100" }, ["E_SPEC_VALUE servers.gpu-b.gpu"]],
  ])("%s", (_name, changes, expected) => {
    expect(briefly(problemsOf(changed(changes)))).toEqual(expected);
  });
});

describe("the place", () => {
  test.each<[string, string, string[]]>([
    [
      "a missing field is reported at its parent",
      GOOD.replace(", weights: /models/deepseek-v3", ""),
      ["12:1 E_SPEC_MISSING"],
    ],
    ["a missing section at the top", GOOD.replace(/^model:.*\n/m, ""), ["1:1 E_SPEC_MISSING"]],
    ["a key without a value", GOOD.replace(/^model:.*$/m, "model:"), ["12:7 E_SPEC_TYPE"]],
    ["a doubled key", `${GOOD}protect: true\nprotect: false\n`, ["18:1 E_SPEC_DUPLICATE_KEY"]],
    [
      "a doubled server",
      GOOD.replace("  gpu-b:", "  gpu-a:"),
      ["5:3 E_SPEC_DUPLICATE_KEY", "10:14 E_SPEC_UNKNOWN_SERVER"],
    ],
    ["broken YAML", GOOD.replace("{standby: hot}", "{standby: hot"), ["16:1 E_SPEC_SYNTAX"]],
    ["a tab", GOOD.replace("  a: [", "\ta: ["), ["10:1 E_SPEC_SYNTAX", "11:1 E_SPEC_SYNTAX"]],
    ["two documents", `${GOOD}---\n${GOOD}`, ["17:1 E_SPEC_SYNTAX"]],
    ["an empty file", "", ["1:1 E_SPEC_TYPE"]],
    ["a comment alone", "# later\n", ["1:1 E_SPEC_TYPE"]],
    ["a list", "- a\n- b\n", ["1:1 E_SPEC_TYPE"]],
    ["a word", "tandem", ["1:1 E_SPEC_TYPE"]],
    ["an unknown anchor", GOOD.replace("[gpu-c, gpu-d]", "*b"), ["11:6 E_SPEC_SYNTAX"]],
    ["an alias bomb", bomb(), ["1:1 E_SPEC_SYNTAX"]],
    [
      "a value behind an alias",
      GOOD.replace("{standby: hot}", "{standby: &x warm, mode: *x}"),
      ["15:24 E_SPEC_VALUE", "15:36 E_SPEC_VALUE"],
    ],
    [
      "Windows line ends",
      GOOD.replaceAll("\n", "\r\n").replace("standby: hot", "standby: warm"),
      ["15:21 E_SPEC_VALUE"],
    ],
    ["a byte order mark", `\ufeff${GOOD.replace("standby: hot", "standby: warm")}`, ["15:21 E_SPEC_VALUE"]],
  ])("%s", (_name, text, expected) => {
    expect(places(text)).toEqual(expected);
  });
});

function bomb(): string {
  const rows = Array.from({ length: 12 }, (_, i) => `a${i + 1}: &a${i + 1} [${Array(10).fill(`*a${i}`).join(", ")}]`);
  return ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]", ...rows].join("\n");
}

describe("unknown keys", () => {
  test.each<[string, string, string]>([
    ["letters swapped", "engine.iamge", "did you mean `image`?"],
    ["a letter missing", "network.rdma.devces", "did you mean `devices`?"],
    ["the wrong case", "failover.maxperhour", "did you mean `maxPerHour`?"],
    ["a plural", "server", "did you mean `servers`?"],
    ["nothing like it", "engine.flux", "remove it"],
  ])("%s", (_name, path, fix) => {
    expect(problemsOf(changed({ [path]: 1 }))[0]).toMatchObject({
      code: "E_SPEC_UNKNOWN_KEY",
      fix,
      path: path.split("."),
    });
  });

  test("__proto__ is refused wherever it stands", () => {
    for (const text of [
      GOOD.replace("  gpu-a: {", "  __proto__: {address: 10.0.0.77}\n  gpu-a: {"),
      `${GOOD}__proto__: {}\n`,
    ]) {
      expect(problemsOf(text).map(({ code, what }) => `${code} ${what}`)).toContain(
        "E_SPEC_NAME `__proto__` cannot be a name",
      );
    }
  });

  test("names that every JavaScript object has are names like others", () => {
    const named = GOOD.replaceAll("gpu-a", "constructor");
    expect(problemsOf(named)).toEqual([]);
    expect(briefly(problemsOf(GOOD.replace("[gpu-a, gpu-b]", "[constructor, gpu-b]")))).toEqual([
      "E_SPEC_UNKNOWN_SERVER groups.a.0",
    ]);
  });
});

describe("any text", () => {
  /** One comparison for a whole text. */
  const inside = (text: string) => {
    const lines = text.split(/\r\n|\n/);
    const result = parseSpec(text, "any.yaml");
    const problems = result.ok ? result.warnings : result.problems;
    const wrong = problems.filter(({ line, column, what, why, fix, code }) => {
      const isInside = line >= 1 && line <= lines.length && column >= 1;
      const isInLine = column <= (lines[line - 1] ?? "").length + 1;
      return !isInside || !isInLine || /undefined|\[object|NaN/.test(`${code}${what}${why}${fix}`);
    });
    expect({ wrong, isExplained: result.ok || problems.length > 0 }).toEqual({ wrong: [], isExplained: true });
  };

  test("never throws; every problem has a place inside the file: text", () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.string({ unit: "grapheme" })), inside), { numRuns: 2000 });
  });

  test.each<[string, string]>([
    ["brackets without end", "[".repeat(20_000)],
    ["deep indents", Array.from({ length: 3000 }, (_, depth) => `${" ".repeat(depth)}a:`).join("\n")],
    ["a map in itself", "servers: &s {gpu-a: *s}"],
    ["a map as a key", "? {a: 1}\n: 2"],
    ["tags", "name: !!binary aGVsbG8=\ngroups: !!omap [a: 1]\nspares: !!set {a, b}\nmodel: !mine {}"],
    ["numbers that are none", "engine: {redundantExperts: .nan, memFractionStatic: .inf}\ngateway: {port: -.inf}"],
    ["YAML 1.1", "%YAML 1.1\n---\nprotect: yes\nname: 010"],
    ["half a character", "name: \ud800"],
    ["a merge key", "x: &x {kind: local}\nprovision: {<<: *x}"],
  ])("… %s", (_name, text) => inside(text));

  test("… brackets of any depth", () => {
    for (let depth = 100; depth < 1200; depth += 50) inside(`name: ${"[".repeat(depth)}${"]".repeat(depth)}`);
    for (let depth = 100; depth < 1200; depth += 50) inside(`servers: ${"{a: ".repeat(depth)}1${"}".repeat(depth)}`);
  });

  test("… YAML of any shape", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => inside(stringify(value))),
      { numRuns: 1000 },
    );
  });

  test("… the good spec with a part replaced by anything", () => {
    const paths = GOOD.match(/[a-zA-Z0-9-]+(?=:)/g) ?? [];
    fc.assert(
      fc.property(fc.constantFrom(...paths), fc.jsonValue({ maxDepth: 2 }), (key, value) => {
        inside(GOOD.replace(new RegExp(`${key}: [^,}\\n]*`), `${key}: ${JSON.stringify(value)}`));
      }),
      { numRuns: 1000 },
    );
  });

  test("… the good spec cut and spliced", () => {
    const cut = fc.tuple(fc.nat(GOOD.length), fc.nat(40), fc.string({ maxLength: 5 }));
    fc.assert(
      fc.property(cut, ([at, length, insert]) => inside(GOOD.slice(0, at) + insert + GOOD.slice(at + length))),
      { numRuns: 2000 },
    );
  });
});
