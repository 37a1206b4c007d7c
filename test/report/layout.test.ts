import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { thousands } from "../../src/plan/thousands.ts";
import { memoryBar } from "../../src/report/memory-bar.ts";
import { table } from "../../src/report/table.ts";
import { wrap } from "../../src/report/wrap.ts";

describe("wrap", () => {
  test("loses no word, and only a word that is too long stands out", () => {
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[a-z×]{1,90}$/), { maxLength: 40 }), (words) => {
        const lines = wrap(words.join(" "), "  - ");
        expect(
          lines
            .join(" ")
            .replace(/^ {2}- /, "")
            .split(/\s+/)
            .filter(Boolean),
        ).toEqual(words);
        for (const line of lines) expect(line.length <= 80 || line.trim().split(" ").length <= 2).toBe(true);
      }),
    );
  });

  test("continues below the text of the first line", () => {
    expect(wrap(`${"a".repeat(70)} ${"b".repeat(20)}`, "why   ")).toEqual([
      `why   ${"a".repeat(70)}`,
      `      ${"b".repeat(20)}`,
    ]);
  });
});

describe("table", () => {
  test("aligns columns and moves a last cell that has no room", () => {
    expect(
      table(
        [
          ["a", "bb", "c"],
          ["long", "b", "x".repeat(72)],
        ],
        "  ",
      ),
    ).toEqual(["  a     bb  c", "  long  b", `    ${"x".repeat(72)}`]);
  });

  test("nothing gives nothing", () => {
    expect(table([], "  ")).toEqual([]);
  });
});

test("a memory bar has 72 cells, and every part that is there has one", () => {
  const gib = fc.double({ min: 0, max: 140, noNaN: true });
  fc.assert(
    fc.property(gib, gib, gib, (weights, kv, free) => {
      fc.pre(weights + kv + free > 1);
      const marks: [string, number][] = [
        ["#", weights],
        ["=", kv],
        [".", free],
      ];
      const bar = memoryBar(marks.map(([mark, gib]) => ({ mark, name: mark, gib })));
      expect(bar).toHaveLength(72);
      expect(bar).toMatch(/^#*=*\.*$/);
    }),
  );
  expect(
    memoryBar([
      { mark: "#", name: "", gib: 79 },
      { mark: ".", name: "", gib: 0.1 },
    ]),
  ).toMatch(/^#{71}\.$|^#{72}$/);
});

test("thousands writes numbers as people read them, on any machine", () => {
  fc.assert(fc.property(fc.integer(), (n) => thousands(n) === n.toLocaleString("en-US")));
  expect([thousands(0), thousands(999), thousands(402_029), thousands(1_234_567)]).toEqual([
    "0",
    "999",
    "402,029",
    "1,234,567",
  ]);
});
