import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { EngineConnection } from "../../src/agent/engine/engine-connection.ts";
import { type HttpAnswer, WholeAnswer } from "../../src/agent/engine/whole-answer.ts";

const lines = (...words: string[]) => words.join("\r\n");
const answer = (body: string, ...more: string[]) =>
  lines("HTTP/1.1 200 OK", `Content-Length: ${Buffer.byteLength(body)}`, ...more, "", body);

describe("an answer", () => {
  test.each<[string, string, HttpAnswer]>([
    ["of known length", answer("{}"), { status: 200, body: "{}", isLast: false }],
    ["with nothing in it", answer(""), { status: 200, body: "", isLast: false }],
    ["in more than one byte a letter", answer("größe €"), { status: 200, body: "größe €", isLast: false }],
    ["after which the engine closes", answer("a", "Connection: close"), { status: 200, body: "a", isLast: true }],
    [
      "that is a refusal",
      lines("HTTP/1.1 503 Service Unavailable", "content-length:2", "", "no"),
      { status: 503, body: "no", isLast: false },
    ],
    [
      "in chunks that look like chunks inside",
      lines("HTTP/1.1 200 OK", "transfer-encoding: chunked", "", "a;x=1", "0\r\n\r\nfour\n", "3", "abc", "0", "", ""),
      { status: 200, body: "0\r\n\r\nfour\nabc", isLast: false },
    ],
    [
      "with a field behind its chunks",
      lines("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "", "1", "a", "0", "Expires: never", "", ""),
      { status: 200, body: "a", isLast: false },
    ],
    ["without a body", lines("HTTP/1.1 204 No Content", "", ""), { status: 204, body: "", isLast: false }],
  ])("%s is read however it is cut", (_name, text, expected) => {
    const bytes = Buffer.from(text);
    for (let size = 1; size <= bytes.length; size++) {
      const reader = new WholeAnswer();
      const found: (HttpAnswer | null)[] = [];
      for (let at = 0; at < bytes.length; at += size) found.push(reader.push(bytes.subarray(at, at + size)));
      expect(found.at(-1)).toEqual(expected);
      expect(found.slice(0, -1).every((one) => one === null)).toBe(true);
    }
  });

  test("of unknown length ends with its connection", () => {
    const reader = new WholeAnswer();
    expect(reader.push(Buffer.from(lines("HTTP/1.0 200 OK", "", "all of it")))).toBeNull();
    expect(reader.end()).toEqual({ status: 200, body: "all of it", isLast: true });
    const cut = new WholeAnswer();
    cut.push(Buffer.from(answer("four").slice(0, -1)));
    expect(cut.end()).toBeNull();
  });

  test.each([
    ["no HTTP", "SSH-2.0-x\r\n\r\n"],
    ["longer than it says", `${answer("ab")}c`],
    ["longer than its chunks", lines("HTTP/1.1 200 OK", "transfer-encoding: chunked", "", "0", "", "x\n")],
    ["of a length that is none", lines("HTTP/1.1 200 OK", "content-length: -1", "", "")],
    ["in chunks without a size", lines("HTTP/1.1 200 OK", "transfer-encoding: chunked", "", "zz", "")],
    ["all head", `HTTP/1.1 200 OK\r\n${"x: y\r\n".repeat(20_000)}`],
    ["without an end", lines("HTTP/1.1 200 OK", "content-length: 9999999", "", "x".repeat(5_000_000))],
  ])("that is %s is refused", (_name, text) => {
    expect(() => new WholeAnswer().push(Buffer.from(text))).toThrow();
  });
});

describe("the connection to an engine", () => {
  const ends: (() => void)[] = [];
  afterEach(() => {
    for (const end of ends.splice(0)) end();
  });

  /** `say` is called with each request as it comes, and how many connections there were. */
  async function engine(say: (socket: Socket, request: string, connections: number) => void) {
    const sockets: Socket[] = [];
    const requests: string[] = [];
    const server = createServer((socket) => {
      const at = sockets.push(socket);
      socket.on("error", () => {});
      socket.on("data", (bytes) => {
        requests.push(String(bytes));
        say(socket, String(bytes), at);
      });
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const connection = new EngineConnection(url, "key-of-the-engine", 300);
    ends.push(() => {
      connection.close();
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    return { connection, sockets, requests, url, server };
  }
  const said = (body: string) => ({ kind: "answer", status: 200, body });
  const pathOf = (request: string) => request.split(" ")[1] ?? "";

  test("asks one after the other over one connection, with the key", async () => {
    const { connection, sockets, requests, url } = await engine((socket, request) =>
      socket.write(answer(pathOf(request))),
    );
    expect(await connection.ask(["/a", "/b"])).toEqual([said("/a"), said("/b")]);
    expect(await connection.ask(["/c"])).toEqual([said("/c")]);
    expect(sockets).toHaveLength(1);
    const host = url.replace("http://", "");
    const rest = `HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer key-of-the-engine\r\n\r\n`;
    expect(requests).toEqual(["/a", "/b", "/c"].map((path) => `GET ${path} ${rest}`));
  });

  test("that ended while it rested, or just when it was used, is made anew", async () => {
    const { connection, sockets } = await engine((socket, request, connections) => {
      if (connections === 2 && pathOf(request) === "/late") socket.destroy();
      else socket.write(answer(pathOf(request)));
    });
    await connection.ask(["/a"]);
    const ended = once(sockets[0] as Socket, "close");
    sockets[0]?.end();
    await ended;
    expect(await connection.ask(["/b"])).toEqual([said("/b")]);
    expect(await connection.ask(["/late", "/d"])).toEqual([said("/late"), said("/d")]);
    expect(sockets).toHaveLength(3);
  });

  test("that is closed after each answer is made anew for each", async () => {
    const { connection, sockets } = await engine((socket, request) =>
      socket.end(answer(pathOf(request), "connection: close")),
    );
    expect(await connection.ask(["/a", "/b"])).toEqual([said("/a"), said("/b")]);
    expect(sockets).toHaveLength(2);
  });

  test("over which nothing comes is given up for all that was asked, and tried again", async () => {
    let isDeaf = true;
    const { connection } = await engine((socket, request) => isDeaf || socket.write(answer(pathOf(request))));
    const beganMs = performance.now();
    expect(await connection.ask(["/a", "/b", "/c"])).toEqual(Array(3).fill({ kind: "silent" }));
    // Not once for each of them.
    expect(performance.now() - beganMs).toBeLessThan(800);
    isDeaf = false;
    expect(await connection.ask(["/a"])).toEqual([said("/a")]);
  });

  test("to an engine that is gone, ends in the middle, or is none is refused", async () => {
    const { connection, server, sockets } = await engine((socket, request) => {
      if (pathOf(request) === "/cut") socket.end(answer("whole").slice(0, -2));
      else socket.write("what?\r\n\r\n");
    });
    expect(await connection.ask(["/cut", "/none"])).toEqual([{ kind: "refused" }, { kind: "refused" }]);
    server.close();
    for (const socket of sockets) socket.destroy();
    await once(server, "close");
    expect(await connection.ask(["/a", "/b"])).toEqual([{ kind: "refused" }, { kind: "refused" }]);
  });

  test("that was closed asks nobody any more", async () => {
    const { connection, requests } = await engine((socket, request) => {
      connection.close();
      socket.write(answer(pathOf(request)));
    });
    expect(await connection.ask(["/a", "/b"])).toEqual([{ kind: "refused" }, { kind: "refused" }]);
    expect(requests).toHaveLength(1);
  });
});
