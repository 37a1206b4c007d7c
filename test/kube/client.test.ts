import { once } from "node:events";
import { createSecureServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type KubeClient, kubeClient } from "../../src/kube/client.ts";
import { certificateForLoopback } from "../support/certificate.ts";

let server: ReturnType<typeof createSecureServer>;
let client: KubeClient;
let versions: string[];
let connections: number;

beforeEach(async () => {
  versions = [];
  connections = 0;
  const { cert, key } = certificateForLoopback();
  // As an API server does, it offers both.
  server = createSecureServer({ cert, key, allowHTTP1: true }, (request, response) => {
    versions.push(request.httpVersion);
    if (request.url.includes("watch=1")) return void response.write("\n");
    response.end("{}");
  });
  server.on("secureConnection", () => (connections += 1));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const ca = Buffer.from(cert).toString("base64");
  client = kubeClient(`apiVersion: v1
kind: Config
current-context: it
contexts: [{ name: it, context: { cluster: it, user: it } }]
clusters: [{ name: it, cluster: { server: "${address}", certificate-authority-data: ${ca} } }]
users: [{ name: it, user: { token: secret } }]
`);
});
afterEach(async () => {
  await client.close();
  server.close();
});

const read = () => client.json({ method: "GET", path: "/version" });

test("speaks HTTP/1.1, though the API server would speak HTTP/2", async () => {
  await read();
  expect(versions).toEqual(["1.1"]);
});

test("no number of watches is in the way of a read, and reads share a connection", async () => {
  const watches = 40;
  const stop = new AbortController();
  const query = { watch: "1" };
  for (let count = 0; count < watches; count++)
    await client.stream({ method: "GET", path: "/api/v1/nodes", query, signal: stop.signal });
  for (let count = 0; count < 5; count++) await read();
  expect(connections).toBeLessThanOrEqual(watches + 2);
  stop.abort();
});
