import { readFileSync } from "node:fs";
import type { RequestListener, ServerOptions } from "node:http";
import { createServer, type Server } from "node:https";
import { createSecureContext } from "node:tls";
import type { Logger } from "pino";
import { TandemError } from "../errors.ts";

export interface TlsFiles {
  /** PEM: the server's certificate, then those between it and its authority. */
  cert: string;
  /** PEM, not encrypted. */
  key: string;
}

/** Certificates are renewed weeks before they end. A mounted Secret is a link that is turned, which no watch of the file notices. */
const LOOK_EVERY_MS = 10_000;

/**
 * An HTTPS server that follows its files: a renewed certificate is used for the next connection, running ones are not cut,
 * and files that do not fit change nothing.
 *
 * @throws TandemError E_TLS when the files cannot be used at the start
 */
export function tlsServer(
  options: ServerOptions,
  files: TlsFiles,
  onRequest: RequestListener,
  log: Logger,
  lookEveryMs: number = LOOK_EVERY_MS,
): Server {
  let pair = read(files);
  assertUsable(files, pair);
  const server = createServer({ ...options, ...pair, minVersion: "TLSv1.2" }, onRequest);
  const look = () => {
    try {
      const next = read(files);
      if (next.cert.equals(pair.cert) && next.key.equals(pair.key)) return;
      pair = next;
      assertUsable(files, pair);
      server.setSecureContext({ ...pair, minVersion: "TLSv1.2" });
      log.info({ cert: files.cert }, "certificate renewed");
    } catch (error) {
      // Half of a renewal: the other file changes in a moment, and that is seen as well.
      log.warn({ error: (error as Error).message }, "the certificate's files changed and cannot be used yet");
    }
  };
  let timer: NodeJS.Timeout | undefined;
  server.once("listening", () => {
    timer = setInterval(() => (server.listening ? look() : clearInterval(timer)), lookEveryMs);
    timer.unref();
  });
  return server;
}

interface Pair {
  cert: Buffer;
  key: Buffer;
}

function read(files: TlsFiles): Pair {
  try {
    return { cert: readFileSync(files.cert), key: readFileSync(files.key) };
  } catch (error) {
    throw unusable(files, error);
  }
}

/** Throws if one is no PEM, or the key is another's. */
function assertUsable(files: TlsFiles, pair: Pair): void {
  try {
    createSecureContext({ ...pair });
  } catch (error) {
    throw unusable(files, error);
  }
}

function unusable({ cert, key }: TlsFiles, error: unknown): TandemError {
  return new TandemError({
    code: "E_TLS",
    what: "this cannot be served over TLS",
    why: `${cert} and ${key}: ${(error as Error).message}`,
    fix: "give it a certificate chain in PEM and the key that belongs to it, not encrypted",
  });
}
