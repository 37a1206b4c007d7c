import fc from "fast-check";
import { expect, test } from "vitest";
import { Lines } from "../../src/stream/lines.ts";

test("lines come out whole, wherever the bytes were cut", () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: "grapheme" }).map((text) => text.replaceAll("\n", ""))),
      fc.array(fc.nat(400)),
      (texts, cuts) => {
        const bytes = Buffer.from(texts.map((text) => `${text}\n`).join(""));
        const lines = new Lines();
        const found: string[] = [];
        const places = [...cuts.filter((at) => at < bytes.length), bytes.length].sort((a, b) => a - b);
        let from = 0;
        for (const at of places) {
          found.push(...lines.push(bytes.subarray(from, at)));
          from = at;
        }
        expect(found).toEqual(texts);
      },
    ),
  );
});

test("a line without end is dropped, and the next one is whole", () => {
  const lines = new Lines();
  const found: string[] = [];
  for (let piece = 0; piece < 40; piece++) found.push(...lines.push(Buffer.alloc(65_536, "x")));
  found.push(...lines.push(Buffer.from("rest\nnext\n")));
  expect(found).toEqual(["next"]);
});
