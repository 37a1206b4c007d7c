import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import type { Evidence } from "../../src/health/evidence.ts";
import type { Stall } from "../../src/stream/event-loop.ts";
import { EvidenceLog } from "../../src/stream/evidence-log.ts";
import { EvidenceServer, type EvidenceServerOptions } from "../../src/stream/server.ts";
import { subscribe } from "../../src/stream/subscribe.ts";
import { Listener, TOKEN } from "../agent/agent-process.ts";

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const link = (downCount: number, device = "mlx5_0"): Evidence => ({
  kind: "link",
  device,
  port: 1,
  state: "up",
  downCount,
  rateGbps: 400,
});

async function startServer(options: Partial<EvidenceServerOptions> & { port?: number } = {}) {
  const clock = { monoMs: () => performance.now(), wallMs: () => Date.now() };
  const log = options.log ?? new EvidenceLog({ agent: "agent-1" });
  const server = new EvidenceServer({
    server: "gpu-a",
    bootId: "boot-1",
    clock,
    heartbeatMs: 20,
    tokens: () => [TOKEN],
    ...options,
    log,
  });
  closing.push(() => server.close());
  const { port } = await server.listen("127.0.0.1", options.port ?? 0);
  const emit = (evidence: Evidence) =>
    server.publish(log.append(evidence, { monoMs: clock.monoMs(), wallMs: clock.wallMs() }));
  return { server, log, port, emit, url: `http://127.0.0.1:${port}` };
}

function listen(url: string, token?: string): Listener {
  const listener = new Listener(url, token);
  closing.push(() => listener.close());
  return listener;
}

describe("who may listen", () => {
  test.each([
    ["no token", undefined],
    ["another token", "Bearer another-token-of-20"],
    ["a longer token", `Bearer ${TOKEN}x`],
    ["the beginning of the token", `Bearer ${TOKEN.slice(0, -1)}`],
    ["an empty token", "Bearer "],
    ["another scheme", `Basic ${TOKEN}`],
    ["the token alone", TOKEN],
  ])("%s: 401 and not a word more", async (_name, authorization) => {
    const { url, emit, server } = await startServer();
    emit(link(1));
    const response = await fetch(`${url}/v1/stream`, { headers: authorization ? { authorization } : {} });
    expect(response.status).toBe(401);
    expect(await response.text()).toBe("the agent's token is missing or wrong\n");
    expect(server.subscribers).toBe(0);
  });

  test("an empty list of tokens lets nobody in, nor does an empty token", async () => {
    for (const tokens of [[], [""]]) {
      const { url } = await startServer({ tokens: () => tokens });
      const response = await fetch(`${url}/v1/stream`, { headers: { authorization: "Bearer undefined" } });
      expect(response.status).toBe(401);
    }
  });

  test("any of several tokens, and health without one", async () => {
    const { url } = await startServer({ tokens: () => ["the-old-token-of-it", TOKEN] });
    for (const token of ["the-old-token-of-it", TOKEN]) {
      const response = await fetch(`${url}/v1/stream`, { headers: { authorization: `Bearer ${token}` } });
      expect(response.status).toBe(200);
      await response.body?.cancel();
    }
    expect(await (await fetch(`${url}/healthz`)).text()).toBe("ok\n");
  });

  test("other paths and methods are refused, and no request line ends the server", async () => {
    const { url, port } = await startServer();
    expect((await fetch(`${url}/v2`)).status).toBe(404);
    expect((await fetch(`${url}/v1/stream`, { method: "POST", body: "x" })).status).toBe(405);
    for (const path of ["//", "/v1/stream?after=%", "http://[", "*", "/v1/stream?after=agent-1:99999999999999999"]) {
      const socket = connect(port, "127.0.0.1");
      socket.end(`GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
      const [answer] = await once(socket, "data");
      expect(String(answer)).toMatch(/^HTTP\/1\.1 4/);
      socket.destroy();
    }
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });

  test("not more than the limit at once", async () => {
    const { url } = await startServer({ maxSubscribers: 2 });
    const open = [listen(url), listen(url)];
    for (const one of open) await one.until(() => one.hellos.length > 0, "hello");
    const third = listen(url);
    await third.until(() => third.connections.includes("lost: the agent answered 503"), "503");
    open[0]?.close();
    await third.until(() => third.hellos.length > 0, "hello in the free place");
  });
});

describe("what a subscriber hears", () => {
  test("hello, what holds now, then everything as it happens", async () => {
    const { url, emit } = await startServer();
    emit(link(1));
    emit(link(2));
    const listener = listen(url);
    await listener.until(() => listener.frames.length >= 2, "snapshot");
    expect(listener.hellos[0]).toMatchObject({ server: "gpu-a", bootId: "boot-1", start: "snapshot", seq: 2 });
    expect(listener.evidence).toMatchObject([{ seq: 2, evidence: { downCount: 2 } }]);
    emit(link(3));
    await listener.heard({ downCount: 3 });
    await listener.until(
      () => listener.frames.some(({ frame }) => frame.type === "beat" && frame.seq === 3),
      "a beat that says the same number",
    );
  });

  test("a wall clock that jumps changes no beat and loses nothing", async () => {
    let wallMs = 1_000_000;
    const clock = { monoMs: () => performance.now(), wallMs: () => wallMs };
    const { url, emit } = await startServer({ clock });
    const listener = listen(url);
    const beats = () => listener.frames.filter(({ frame }) => frame.type === "beat");
    for (const jumpMs of [3_600_000, -7_200_000, 0]) {
      wallMs += jumpMs;
      emit(link(wallMs));
      await listener.heard({ downCount: wallMs });
      const before = beats().length;
      await listener.until(() => beats().length >= before + 10, "ten beats");
    }
    const times = beats().map(({ frame }) => frame.monoMs);
    const gaps = times.slice(1).map((time, at) => time - (times[at] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThan(0);
    expect(listener.connections).toEqual(["connected: snapshot"]);
  });

  test("cut again and again it misses nothing and hears nothing twice", async () => {
    const { port, emit, log } = await startServer({ log: new EvidenceLog({ agent: "agent-1", capacity: 20_000 }) });
    // A proxy that cuts its connections at random bytes.
    const sockets = new Set<Socket>();
    const proxy = createServer((client) => {
      const upstream = connect(port, "127.0.0.1");
      let left = Math.floor(Math.random() * 60_000);
      for (const socket of [client, upstream]) {
        sockets.add(socket);
        socket.on("error", () => {});
        socket.on("close", () => {
          sockets.delete(socket);
          client.destroy();
          upstream.destroy();
        });
      }
      client.pipe(upstream);
      upstream.on("data", (bytes: Buffer) => {
        left -= bytes.length;
        if (left > 0) client.write(bytes);
        else client.end(bytes.subarray(0, bytes.length + left), () => upstream.destroy());
      });
    }).listen(0, "127.0.0.1");
    await once(proxy, "listening");
    closing.push(() => {
      for (const socket of sockets) socket.destroy();
      proxy.close();
    });
    const listener = listen(`http://127.0.0.1:${(proxy.address() as AddressInfo).port}`);
    await listener.until(() => listener.hellos.length > 0, "hello");
    for (let count = 1; count <= 10_000; count++) {
      emit(link(count, `mlx5_${count}`));
      if (count % 100 === 0) await sleep(2);
    }
    await listener.until(() => listener.evidence.at(-1)?.seq === log.seq, "the last frame", 20_000);
    expect(listener.evidence.map(({ seq }) => seq)).toEqual(Array.from({ length: 10_000 }, (_, at) => at + 1));
    expect(listener.hellos.length).toBeGreaterThan(5);
    expect(listener.hellos.slice(1).every(({ start }) => start === "resumed")).toBe(true);
  });

  test("an agent that starts anew tells everything anew, under another name", async () => {
    const first = await startServer();
    first.emit(link(1));
    const listener = listen(first.url);
    await listener.heard({ downCount: 1 });
    await first.server.close();
    await listener.until(() => listener.connections.some((text) => text.startsWith("lost")), "lost");
    const second = await startServer({ port: first.port, log: new EvidenceLog({ agent: "agent-2" }) });
    second.emit(link(7));
    await listener.heard({ downCount: 7 });
    expect(listener.hellos.map(({ agent, start }) => `${agent} ${start}`)).toEqual([
      "agent-1 snapshot",
      "agent-2 snapshot",
    ]);
  });

  test("away for too long it gets a snapshot instead", async () => {
    const log = new EvidenceLog({ agent: "agent-1", capacity: 10 });
    const first = await startServer({ log });
    first.emit(link(1));
    const listener = listen(first.url);
    await listener.heard({ downCount: 1 });
    await first.server.close();
    for (let count = 2; count < 50; count++) log.append(link(count), { monoMs: 0, wallMs: 0 });
    await startServer({ port: first.port, log });
    await listener.heard({ downCount: 49 });
    expect(listener.hellos.at(-1)?.start).toBe("snapshot");
    expect(listener.evidence.map(({ seq }) => seq)).toEqual([1, 49]);
  });
});

describe("a subscriber that does not read", () => {
  test("is cut, holds little, and disturbs nobody", async () => {
    const { emit, port, server, url } = await startServer({ maxPendingBytes: 100_000 });
    const good = listen(url);
    await good.until(() => good.hellos.length > 0, "hello");
    const stuck = connect(port, "127.0.0.1");
    stuck.pause();
    stuck.on("error", () => {});
    closing.push(() => stuck.destroy());
    stuck.write(`GET /v1/stream HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${TOKEN}\r\n\r\n`);
    while (server.subscribers < 2) await sleep(5);
    let count = 0;
    while (server.subscribers === 2 && count < 500_000) {
      for (let more = 0; more < 200; more++) emit(link(++count, `mlx5_${count % 8}`));
      await new Promise(setImmediate);
    }
    expect(server.subscribers).toBe(1);
    emit(link(-1));
    await good.heard({ downCount: -1 });
    expect(good.evidence).toHaveLength(count + 1);
  });
});

describe("the subscriber itself", () => {
  test("a wrong token is told, and tried again", async () => {
    const { url } = await startServer();
    const listener = listen(url, "a-wrong-token-of-20");
    await listener.until(() => listener.connections.length > 0, "lost");
    expect(listener.connections).toEqual(["lost: the agent answered 401"]);
  });

  test("lines that are no frames are passed by", async () => {
    const hello = { type: "hello", server: "s", bootId: "b", agent: "x", heartbeatMs: 250, start: "snapshot" };
    const stamp = { seq: 1, monoMs: 1, wallMs: 1 };
    const fake = createHttpServer((_, response) => {
      response.write(`${JSON.stringify({ ...hello, ...stamp, seq: 0 })}\n`);
      response.write('nonsense\n{"type":"news"}\n[]\nnull\n\n{"type":"beat"}\n');
      response.write(`${JSON.stringify({ type: "evidence", ...stamp, evidence: { kind: "of-tomorrow" } })}\n`);
    }).listen(0, "127.0.0.1");
    closing.push(() => {
      fake.closeAllConnections();
      fake.close();
    });
    await once(fake, "listening");
    const listener = listen(`http://127.0.0.1:${(fake.address() as AddressInfo).port}`);
    await listener.heard({ kind: "of-tomorrow" });
    expect(listener.frames.map(({ frame }) => frame.type)).toEqual(["hello", "evidence"]);
  });

  test("a server that falls silent is given up after twelve beats, and heard when it is back", async () => {
    let silent = false;
    let connections = 0;
    const fake = createHttpServer((_, response) => {
      connections++;
      if (silent) return;
      const now = { seq: 0, monoMs: performance.now(), wallMs: Date.now() };
      const hello = { type: "hello", server: "s", bootId: "b", agent: "x", heartbeatMs: 20, start: "snapshot", ...now };
      response.write(`${JSON.stringify(hello)}\n`);
    }).listen(0, "127.0.0.1");
    closing.push(() => {
      fake.closeAllConnections();
      fake.close();
    });
    await once(fake, "listening");
    const listener = listen(`http://127.0.0.1:${(fake.address() as AddressInfo).port}`);
    await listener.until(() => listener.hellos.length > 0, "hello");
    silent = true;
    await listener.until(() => listener.connections.some((text) => /no beat for 2\d\d ms/.test(text)), "given up");
    await listener.until(() => listener.connections.some((text) => text.startsWith("lost: no answer in")), "no answer");
    silent = false;
    await listener.until(() => listener.hellos.length > 1, "hello again");
    expect(connections).toBeGreaterThan(2);
  });

  test("its own stall is told before the frames that waited, and costs no connection", async () => {
    const { url } = await startServer();
    const order: string[] = [];
    const stalls: Stall[] = [];
    const subscription = subscribe({
      server: "gpu-a",
      url,
      token: TOKEN,
      onFrame: (frame) => order.push(frame.type),
      onConnection: (state) => order.push(state),
      onStall: (stall) => {
        stalls.push(stall);
        order.push("stall");
      },
    });
    closing.push(() => subscription.close());
    while (order.length < 5) await sleep(5);
    const from = performance.now();
    order.length = 0;
    stalls.length = 0;
    while (performance.now() - from < 600);
    while (order.filter((text) => text === "beat").length < 5) await sleep(5);
    expect(order[0]).toBe("stall");
    expect(order).not.toContain("lost");
    const [stall] = stalls;
    expect((stall?.toMonoMs ?? 0) - (stall?.fromMonoMs ?? 0)).toBeGreaterThan(500);
  });

  test("nothing is heard after close", async () => {
    const { url, emit, server } = await startServer();
    const listener = listen(url);
    await listener.until(() => listener.hellos.length > 0, "hello");
    listener.close();
    const heard = listener.frames.length;
    while (server.subscribers > 0) await sleep(2);
    emit(link(1));
    await sleep(50);
    expect(listener.frames.length).toBe(heard);
    expect(listener.connections).toEqual(["connected: snapshot"]);
  });
});
