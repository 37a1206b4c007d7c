import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { EngineConnections } from "../../src/gateway/groups/engine-connections.ts";
import { type Leg, openLeg } from "../../src/gateway/groups/leg.ts";

const HEAD = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
const WHOLE = `${HEAD}2\r\nok\r\n0\r\n\r\n`;
const servers: Server[] = [];
const open: Socket[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
  for (const socket of open.splice(0)) socket.destroy();
});

/** An engine that does with each request what it is told; `requests` says on which connection each came. */
async function startEngine(onRequest: (socket: Socket, count: number) => void) {
  const requests: Socket[] = [];
  const server = createServer((socket) => {
    open.push(socket);
    socket.on("error", () => {});
    socket.on("data", (bytes) => {
      for (const _ of bytes.toString().matchAll(/POST \/v1/g)) onRequest(socket, requests.push(socket));
    });
  });
  servers.push(server.listen(0, "127.0.0.1"));
  await once(server, "listening");
  return { url: `http://127.0.0.1:${(server.address() as { port: number }).port}`, requests };
}

interface Told {
  leg: Leg;
  data: string;
  /** How it ended, when it has. */
  end: Promise<string>;
}

function ask(url: string, connections: EngineConnections): Told {
  const told = { data: "" } as Told;
  told.end = new Promise((resolve) => {
    const target = { url, connections, key: null, connectTimeoutMs: 500 };
    told.leg = openLeg(target, "/v1/completions", "{}", {
      onHead: () => {},
      onData: (text) => {
        told.data += text;
      },
      onEnd: () => resolve("end"),
      onBreak: (how) => resolve(how),
    });
  });
  return told;
}

test("a connection whose answer came whole is used again, and one that was closed meanwhile is not", async () => {
  const connections = new EngineConnections();
  const engine = await startEngine((socket) => socket.write(WHOLE));
  for (let at = 0; at < 2; at++) {
    const told = ask(engine.url, connections);
    expect([await told.end, told.data]).toEqual(["end", "ok"]);
  }
  expect(engine.requests[1]).toBe(engine.requests[0]);
  connections.dropIdle();
  expect(await ask(engine.url, connections).end).toBe("end");
  expect(engine.requests[2]).not.toBe(engine.requests[0]);
  connections.dropIdle();
});

test.each(["resetAndDestroy", "end"] as const)(
  "a request that meets %s of an idle connection is sent again; streams that run beside it are let be",
  async (how) => {
    const connections = new EngineConnections();
    const engine = await startEngine((socket, count) => {
      if (count === 1) socket.write(`${HEAD}2\r\nab\r\n`);
      else if (count === 3) socket[how]();
      else socket.write(WHOLE);
    });
    const running = ask(engine.url, connections);
    while (running.data !== "ab") await new Promise((resolve) => setImmediate(resolve));
    expect(await ask(engine.url, connections).end).toBe("end");
    const again = ask(engine.url, connections);
    expect([await again.end, again.data]).toEqual(["end", "ok"]);
    expect(engine.requests[2]).toBe(engine.requests[1]);
    expect(engine.requests[3]).not.toBe(engine.requests[1]);
    engine.requests[0]?.write("2\r\ncd\r\n0\r\n\r\n");
    expect([await running.end, running.data]).toEqual(["end", "abcd"]);
    connections.dropIdle();
  },
);

test.each<[string, string, (socket: Socket) => void]>([
  ["a reset after a part", "reset", (socket) => socket.write(`${HEAD}2\r\nab\r\n`, () => socket.resetAndDestroy())],
  ["a close after a part", "reset", (socket) => socket.end(`${HEAD}2\r\nab\r\n`)],
  ["a close without an answer", "reset", (socket) => socket.end()],
  ["what is no HTTP", "reset", (socket) => socket.write("SSH-2.0-x\r\n\r\n")],
  ["an answer that ends with its connection", "end", (socket) => socket.end("HTTP/1.1 200 OK\r\n\r\nx")],
])("%s", async (_name, expected, act) => {
  const engine = await startEngine(act);
  expect(await ask(engine.url, new EngineConnections()).end).toBe(expected);
  expect(engine.requests).toHaveLength(1);
});

test("nobody listens", async () => {
  const engine = await startEngine(() => {});
  servers.pop()?.close();
  expect(await ask(engine.url, new EngineConnections()).end).toBe("refused");
});

test("a leg that was left says nothing more, and the engine sees that", async () => {
  const engine = await startEngine((socket) => socket.write(`${HEAD}2\r\nab\r\n`));
  const told = ask(engine.url, new EngineConnections());
  while (told.data === "") await new Promise((resolve) => setImmediate(resolve));
  const closed = once(engine.requests[0] as Socket, "close");
  told.leg.abandon();
  told.leg.resume();
  await closed;
  expect(await Promise.race([told.end, "nothing"])).toBe("nothing");
});

test("while it is paused nothing is read", async () => {
  const engine = await startEngine((socket) => socket.write(`${HEAD}2\r\nab\r\n`));
  const told = ask(engine.url, new EngineConnections());
  while (told.data === "") await new Promise((resolve) => setImmediate(resolve));
  told.leg.pause();
  await new Promise<void>((resolve) => engine.requests[0]?.write("2\r\ncd\r\n0\r\n\r\n", () => resolve()));
  const other = await startEngine((socket) => socket.write(WHOLE));
  expect(await ask(other.url, new EngineConnections()).end).toBe("end");
  expect(told.data).toBe("ab");
  told.leg.resume();
  expect([await told.end, told.data]).toEqual(["end", "abcd"]);
});
