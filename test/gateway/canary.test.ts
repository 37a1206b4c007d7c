import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { askCanary } from "../../src/gateway/groups/canary.ts";
import { Group } from "../../src/gateway/groups/group.ts";
import { WatchClock } from "../../src/gateway/watch-clock.ts";

const ANSWER = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
let server: Server;
const open: Socket[] = [];
afterEach(() => {
  server.close();
  for (const socket of open.splice(0)) socket.destroy();
});

/** A group whose engine takes the first question and says nothing, as one behind a cable that is cut. */
async function start() {
  server = createServer((socket) => {
    const isFirst = open.push(socket) === 1;
    socket.on("error", () => {});
    socket.on("data", () => isFirst || socket.end(ANSWER));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const url = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  const clock = new WatchClock();
  const group = new Group({ id: "a", servers: ["gpu-a"], urls: [url], key: null, connectTimeoutMs: 1_000 }, clock);
  const ask = () => {
    let outcomes = 0;
    return askCanary(group, "m", clock, () => outcomes++).then(() => outcomes);
  };
  return { clock, group, ask };
}

test("what an engine was asked that is no more is moot: no answer, no failure, and the next one is asked", async () => {
  const { clock, group, ask } = await start();
  const asked = ask();
  await once(server, "connection");
  const { askedMs } = group.canary;
  group.sawStart((askedMs ?? 0) - 1);
  expect(group.canary.askedMs).toBe(askedMs);
  group.sawStart(clock.now());
  expect(await asked).toBe(1);
  expect(group.canary).toEqual({ askedMs: null, answeredMs: null, failedMs: null });
  await ask();
  expect(group.canary).toMatchObject({ askedMs: null, failedMs: null });
  expect(group.canary.answeredMs).toBeGreaterThan(askedMs ?? 0);
  // None is out.
  group.sawStart(clock.now());
  expect(group.canary.failedMs).toBeNull();
});
