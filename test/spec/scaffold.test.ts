import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { parseSpec } from "../../src/spec/parse.ts";
import { scaffoldSpec } from "../../src/spec/scaffold.ts";
import type { ClusterSpecInput } from "../../src/spec/schema.ts";

const stacks = ["local", "example", "roce", "spare", "single", "degraded"];

function specOf(text: string) {
  const result = parseSpec(text, "test.yaml", { allowPlaceholder: true });
  if (!result.ok) expect.fail(JSON.stringify(result.problems));
  return result.spec;
}

describe.each(stacks)("the commented form of %s", (stack) => {
  const original = readFileSync(`stacks/${stack}.yaml`, "utf8");
  const text = scaffoldSpec(parse(original) as ClusterSpecInput, "tandem.schema.json");

  test("means the same", () => {
    expect(specOf(text)).toEqual(specOf(original));
  });

  test("still means the same with every commented default taken in", () => {
    const uncommented = text.replace(/^(\s*)#(?=[a-zA-Z]+:)/gm, "$1");
    expect(uncommented.split("\n").filter((line) => /^\s*[a-zA-Z]+:/.test(line)).length).toBeGreaterThan(35);
    expect(specOf(uncommented)).toEqual(specOf(original));
  });

  test("explains every default that it leaves out", () => {
    const lines = text.split("\n");
    const bare = lines.filter(
      (line, index) => /^\s*#[a-zA-Z]+: ./.test(line) && !/^\s*# /.test(lines[index - 1] ?? ""),
    );
    expect(bare).toEqual([]);
    expect(text).toContain("Default: 16 GPUs meet about three faults a year");
  });

  test("fits a terminal", () => {
    expect(
      Math.max(
        ...text
          .split("\n")
          .filter((line) => /^\s*#/.test(line))
          .map((line) => line.length),
      ),
    ).toBeLessThan(121);
  });
});
