import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeFrame } from "../../src/stream/encode-frame.ts";
import { type BeatFrame, decodeFrame } from "../../src/stream/frames.ts";

const beats = fc.record({
  type: fc.constant("beat" as const),
  seq: fc.nat({ max: 2 ** 40 }),
  monoMs: fc.double({ min: 0, max: 1e15, noNaN: true }),
  wallMs: fc.oneof(fc.nat({ max: 2 ** 45 }), fc.double({ min: 0, max: 1e15, noNaN: true })),
});
/** The same with its fields in another order, which is read as any JSON is. */
const reordered = ({ type, seq, monoMs, wallMs }: BeatFrame) => JSON.stringify({ wallMs, monoMs, seq, type });

describe("a beat", () => {
  test("comes out as it went in, by the short way and by the long one", () => {
    fc.assert(
      fc.property(beats, (beat) => {
        const sent = { ...beat, monoMs: beat.monoMs + 0, wallMs: beat.wallMs + 0 };
        const line = encodeFrame(sent).trimEnd();
        expect(decodeFrame(line)).toEqual(decodeFrame(reordered(sent)));
        expect(decodeFrame(line)).toEqual(sent);
      }),
    );
  });

  test("keeps what a newer agent adds", () => {
    const line = '{"type":"beat","seq":4,"monoMs":12.5,"wallMs":99,"load":3}';
    expect(decodeFrame(line)).toEqual({ type: "beat", seq: 4, monoMs: 12.5, wallMs: 99, load: 3 });
  });

  test.each([
    '{"type":"beat","seq":-1,"monoMs":1,"wallMs":2}',
    '{"type":"beat","seq":1.5,"monoMs":1,"wallMs":2}',
    '{"type":"beat","seq":1,"monoMs":1.,"wallMs":2}',
    '{"type":"beat","seq":01,"monoMs":1,"wallMs":2}',
    '{"type":"beat","seq":1,"monoMs":1}',
  ])("that is none is no frame: %s", (line) => {
    expect(decodeFrame(line)).toBeNull();
  });
});
