import { Agent, createServer, request } from "node:http";

// The least that a proxy in Node can do: `plain-proxy.ts ENGINE_URL` pipes bodies both ways and looks at nothing.
const engineUrl = process.argv[2] ?? "";
const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });

const server = createServer({ noDelay: true }, (incoming, outgoing) => {
  const { method, headers, url } = incoming;
  const passed = request(`${engineUrl}${url}`, { method, headers, agent }, (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(outgoing);
  });
  passed.on("error", () => outgoing.destroy());
  outgoing.on("close", () => passed.destroy());
  incoming.pipe(passed);
});
server.listen(0, "127.0.0.1", () => process.stdout.write(`${(server.address() as { port: number }).port}\n`));
