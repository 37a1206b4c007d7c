import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

export interface FileServer {
  url: string;
  /** Each request's `range` header, in order; "" for none. */
  ranges: string[];
  requests: IncomingMessage[];
}

/** A web server on loopback for one test; `answer` decides about each request. */
export async function serveFiles(
  answer: (request: IncomingMessage, response: ServerResponse, nth: number) => void,
): Promise<FileServer> {
  const ranges: string[] = [];
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    ranges.push(request.headers.range ?? "");
    requests.push(request);
    answer(request, response, requests.length);
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, ranges, requests };
}

/** Answers as a web server that knows ranges. */
export function sendRange(request: IncomingMessage, response: ServerResponse, file: Buffer): void {
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? Number.NaN);
  if (Number.isNaN(from)) return void response.writeHead(200, { "content-length": file.length }).end(file);
  if (from >= file.length) return void response.writeHead(416, { "content-range": `bytes */${file.length}` }).end();
  const rest = file.subarray(from);
  const range = `bytes ${from}-${file.length - 1}/${file.length}`;
  response.writeHead(206, { "content-range": range, "content-length": rest.length }).end(rest);
}
