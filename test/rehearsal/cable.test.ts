import { once } from "node:events";
import { createConnection, createServer, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { Cable } from "../../src/drill/world/cable.ts";

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const clean of cleanups.splice(0)) clean();
});

/** A server behind a cable, and a client that has said hello through it. */
async function talk() {
  const inner: Server = createServer({ allowHalfOpen: true });
  inner.listen(0, "127.0.0.1");
  await once(inner, "listening");
  const cable = new Cable();
  const port = await cable.open((inner.address() as { port: number }).port);
  const accepted = once(inner, "connection") as Promise<[Socket]>;
  const client = createConnection({ port, host: "127.0.0.1", allowHalfOpen: true });
  const [server] = await accepted;
  const heard = { client: "", server: "", events: [] as string[] };
  client.setEncoding("utf8").on("data", (text) => {
    heard.client += text;
  });
  server.setEncoding("utf8").on("data", (text) => {
    heard.server += text;
  });
  for (const event of ["end", "error", "close"]) client.on(event, () => heard.events.push(event));
  server.on("error", () => {});
  cleanups.push(() => {
    cable.close();
    inner.close();
    client.destroy();
    server.destroy();
  });
  client.write("hello");
  while (heard.server !== "hello") await once(server, "data");
  return { cable, port, client, server, inner, heard };
}

const closed = (socket: Socket) => new Promise((resolve) => socket.once("close", resolve));

/** Longer than anything on loopback takes: what has not come by then does not come. */
const quiet = () => sleep(150);

describe("a cable that is whole", () => {
  test("carries both ways, and ends one way at a time", async () => {
    const { client, server, heard } = await talk();
    server.write("answer");
    while (heard.client !== "answer") await once(client, "data");
    server.end("bye");
    await once(client, "end");
    expect(heard.client).toBe("answerbye");
    client.write("still talking");
    while (!heard.server.endsWith("talking")) await once(server, "data");
    expect(heard.events).toEqual(["end"]);
  });

  test("tells the peer of a process that died", async () => {
    const { client, server, heard } = await talk();
    const gone = closed(client);
    server.resetAndDestroy();
    await gone;
    expect(heard.events).toContain("error");
  });

  test("passes on that nobody listens", async () => {
    const cable = new Cable();
    cleanups.push(() => cable.close());
    const client = createConnection({ port: await cable.open(1), host: "127.0.0.1" });
    const error = once(client, "error") as Promise<[NodeJS.ErrnoException]>;
    expect((await error)[0].code).toBe("ECONNRESET");
  });

  test("carries more than one buffer, slowly read", async () => {
    const { client, server, heard } = await talk();
    client.pause();
    const big = "x".repeat(8 * 2 ** 20);
    server.write(big);
    await sleep(50);
    client.resume();
    while (heard.client.length < big.length) await once(client, "data");
    expect(heard.client).toBe(big);
  });
});

describe("a cable that is cut", () => {
  test("is silent both ways, also about the death of a process", async () => {
    const { cable, client, server, heard } = await talk();
    cable.cut();
    server.write("lost");
    client.write("lost too");
    await quiet();
    server.resetAndDestroy();
    await quiet();
    expect(heard).toEqual({ client: "", server: "hello", events: [] });
  });

  test("answers nobody who comes new", async () => {
    const { cable, port, inner } = await talk();
    cable.cut();
    let reached = false;
    inner.once("connection", () => {
      reached = true;
    });
    const late = createConnection({ port, host: "127.0.0.1" });
    cleanups.push(() => late.destroy());
    let said = "";
    late.on("data", (bytes) => {
      said += String(bytes);
    });
    late.on("close", () => {
      said += "closed";
    });
    late.write("anybody?");
    await quiet();
    expect({ reached, said }).toEqual({ reached: false, said: "" });
  });

  test("mended after a pulled plug, goes on where it was", async () => {
    const { cable, client, server, heard } = await talk();
    cable.cut();
    server.write("late");
    await quiet();
    cable.mend({ reset: false });
    while (heard.client !== "late") await once(client, "data");
  });

  test("mended after a pulled plug, tells of an end that came meanwhile, and only then", async () => {
    const { cable, client, server, heard } = await talk();
    cable.cut();
    server.end();
    await quiet();
    expect(heard.events).toEqual([]);
    const ended = once(client, "end");
    cable.mend({ reset: false });
    await ended;
    client.end("bye");
    await closed(server);
    expect(heard.server).toBe("hellobye");
  });

  test("mended after a power cut, resets what the new kernel does not know", async () => {
    const { cable, client, heard } = await talk();
    cable.cut();
    await quiet();
    expect(heard.events).toEqual([]);
    const gone = closed(client);
    cable.mend({ reset: true });
    await gone;
    expect(heard.events).toContain("error");
  });
});

describe.runIf(process.platform === "linux")("a dark cable that is cut", () => {
  /** What comes of a connection: its first event, or nothing for a while. */
  async function tryPort(port: number): Promise<string> {
    const socket = createConnection({ port, host: "127.0.0.1" });
    cleanups.push(() => socket.destroy());
    socket.on("error", () => {});
    const first = (event: string) => new Promise<string>((resolve) => socket.once(event, () => resolve(event)));
    return Promise.race([first("connect"), first("error"), sleep(150, "nothing")]);
  }

  test("gives nobody a connection and refuses none, until it is mended", async () => {
    const inner = createServer((socket) => socket.on("error", () => {})).listen(0, "127.0.0.1");
    await once(inner, "listening");
    const cable = new Cable();
    cleanups.push(() => {
      cable.close();
      inner.close();
    });
    const port = await cable.open((inner.address() as { port: number }).port, { dark: true });
    for (let round = 0; round < 2; round++) {
      expect(await tryPort(port)).toBe("connect");
      await cable.cut();
      expect(await Promise.all([tryPort(port), tryPort(port), tryPort(port)])).toEqual(Array(3).fill("nothing"));
      await cable.mend({ reset: true });
    }
    expect(await tryPort(port)).toBe("connect");
  });
});
