import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { StreamSpotter } from "../../src/drill/world/spotter.ts";

describe("the names of streams are found in what passes by", () => {
  const request = (name: string) => `POST /v1/completions HTTP/1.1\r\n\r\n{"prompt":"${name} answer=9 rack fan"}`;

  test("wherever packets are cut, once for each request", () => {
    const bytes = Buffer.from(request("stream-7-of-3f2a") + request("stream-12-of-3f2a"));
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length)), (cuts) => {
        const found: string[] = [];
        const spotter = new StreamSpotter((name) => found.push(name));
        const places = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
        for (const [at, from] of places.entries())
          spotter.look(bytes.subarray(from, places[at + 1] ?? bytes.length), 1);
        expect(found).toEqual(["stream-7-of-3f2a", "stream-12-of-3f2a"]);
      }),
    );
  });

  test("connections are not mixed up", () => {
    const found: string[] = [];
    const spotter = new StreamSpotter((name) => found.push(name));
    spotter.look(Buffer.from("stream-7-of-"), 1);
    spotter.look(Buffer.from("3f2a answer"), 2);
    expect(found).toEqual([]);
    spotter.look(Buffer.from("aaaa answer"), 1);
    expect(found).toEqual(["stream-7-of-aaaa"]);
  });
});
