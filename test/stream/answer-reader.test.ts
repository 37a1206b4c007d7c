import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type AnswerHead, readHead } from "../../src/stream/http/answer-head.ts";
import { AnswerReader } from "../../src/stream/http/answer-reader.ts";

/** Cuts a text at these places, which may lie anywhere. */
function cutAt(text: string, places: readonly number[]): string[] {
  const sorted = [...new Set(places.map((at) => at % (text.length + 1)))].sort((a, b) => a - b);
  return [...sorted, text.length].map((end, at) => text.slice(at === 0 ? 0 : sorted[at - 1], end));
}

function read(parts: readonly string[]) {
  const heads: AnswerHead[] = [];
  const bodies: string[] = [];
  const reader = new AnswerReader({ onHead: (head) => heads.push(head), onBody: (text) => bodies.push(text) });
  for (const part of parts) reader.push(part);
  return { reader, heads, body: bodies.join(""), bodies };
}

const binary = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes).toString("latin1"));
const places = fc.array(fc.nat(), { maxLength: 40 });
const chunk = fc.record({
  data: binary.filter((text) => text !== ""),
  extension: fc.constantFrom("", ";a=b", ' ;x="y"').map((text) => text.trim()),
  upper: fc.boolean(),
});
const chunked = fc
  .record({ chunks: fc.array(chunk, { maxLength: 8 }), trailer: fc.constantFrom("", "x-checksum: 1\r\n") })
  .map(({ chunks, trailer }) => {
    const sized = chunks.map(({ data, extension, upper }) => {
      const size = data.length.toString(16);
      return `${upper ? size.toUpperCase() : size}${extension}\r\n${data}\r\n`;
    });
    const head =
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n";
    return { wire: `${head}${sized.join("")}0\r\n${trailer}\r\n`, body: chunks.map(({ data }) => data).join("") };
  });
const sized = binary.map((body) => ({ wire: `HTTP/1.1 503 \r\ncontent-length: ${body.length}\r\n\r\n${body}`, body }));

describe("an answer is the same however it is cut", () => {
  test("whole, at its last byte and not before; another request may follow", () => {
    fc.assert(
      fc.property(fc.oneof(chunked, sized), places, fc.boolean(), ({ wire, body }, at, interim) => {
        const all = interim ? `HTTP/1.1 100 Continue\r\n\r\n${wire}` : wire;
        const whole = read(cutAt(all, at));
        expect(whole.body).toBe(body);
        expect(whole.heads).toHaveLength(1);
        expect(whole.reader).toMatchObject({ done: true, broken: false, reusable: true });
        const short = read(cutAt(all.slice(0, -1), at));
        short.reader.close();
        expect(short.reader).toMatchObject({ done: false, broken: false, reusable: false });
        expect(body.startsWith(short.body)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test("bytes after the end are no part of it, and leave the connection unusable", () => {
    fc.assert(
      fc.property(fc.oneof(chunked, sized), places, binary, ({ wire, body }, at, more) => {
        const { reader, body: got } = read(cutAt(`${wire}${more}`, at));
        expect(got).toBe(body);
        expect(reader.reusable).toBe(more === "");
      }),
    );
  });

  test("one that ends with its connection is whole when that is closed, and only then", () => {
    fc.assert(
      fc.property(binary, places, (body, at) => {
        const { reader, body: got } = read(cutAt(`HTTP/1.1 200 OK\r\n\r\n${body}`, at));
        expect(got).toBe(body);
        expect(reader.done).toBe(false);
        reader.close();
        expect(reader).toMatchObject({ done: true, reusable: false });
      }),
    );
  });

  test("what came together is handed on together", () => {
    const head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    expect(read([head, "3\r\nabc\r\n2\r\nde\r\n", "0\r\n\r\n"]).bodies).toEqual(["abcde"]);
  });

  test("whatever comes, it neither throws nor takes what is broken for whole", () => {
    fc.assert(
      fc.property(chunked, fc.nat(), binary, places, ({ wire, body }, at, noise, cuts) => {
        const place = at % wire.length;
        const { reader, body: got } = read(cutAt(wire.slice(0, place) + noise + wire.slice(place), cuts));
        if (reader.broken) expect(reader.reusable).toBe(false);
        else if (noise === "") expect(got).toBe(body);
      }),
    );
  });
});

describe("what is no HTTP is refused", () => {
  test.each([
    ["no status line", "hello"],
    ["another protocol", "HTTP/2 200 OK"],
    ["a field without a colon", "HTTP/1.1 200 OK\r\nx"],
    ["a space before the colon", "HTTP/1.1 200 OK\r\ncontent-length : 1"],
    ["a folded line", "HTTP/1.1 200 OK\r\nx: 1\r\n  2"],
    ["a bare line feed in a field", "HTTP/1.1 200 OK\r\nx: 1\ny: 2"],
    ["a length that is no number", "HTTP/1.1 200 OK\r\ncontent-length: 1e3"],
    ["two lengths", "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2"],
    ["a length and chunks", "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked"],
    ["another coding", "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked"],
  ])("head: %s", (_name, head) => {
    expect(readHead(head)).toBeNull();
    expect(read([`${head}\r\n\r\n`]).reader.broken).toBe(true);
  });

  test.each([
    ["no size", "\r\nabc\r\n"],
    ["a size that is none", "xyz\r\nabc\r\n"],
    ["a negative size", "-1\r\nabc\r\n"],
    ["words after the size", "3 4\r\nabc\r\n"],
    ["too large a size", "123456789\r\n"],
    ["more than its size", "2\r\nabc\r\n"],
    ["a line without end", "0".repeat(5000)],
  ])("chunk: %s", (_name, bytes) => {
    const head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    expect(read([head, bytes]).reader).toMatchObject({ broken: true, done: false });
  });

  test("a head without end", () => {
    expect(read([`HTTP/1.1 200 OK\r\nx: ${"y".repeat(20_000)}`]).reader.broken).toBe(true);
  });

  test("what says that the connection ends is not used again", () => {
    for (const head of ["HTTP/1.1 200 OK\r\nConnection: Close", "HTTP/1.0 200 OK"])
      expect(readHead(`${head}\r\ncontent-length: 0`)?.keepAlive).toBe(false);
    expect(readHead("HTTP/1.1 204 No Content\r\ncontent-length: 5")).toMatchObject({ length: 0, keepAlive: true });
  });
});
