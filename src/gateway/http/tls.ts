import { readFileSync, unwatchFile, watchFile } from "node:fs";
import type { RequestListener, ServerOptions } from "node:http";
import { createServer, type Server } from "node:https";
import { createSecureContext } from "node:tls";
import type { Logger } from "pino";
import { TandemError } from "../../errors.ts";

export interface TlsFiles {
  /** PEM: the server's certificate, then those between it and its authority. */
  cert: string;
  /** PEM, not encrypted. */
  key: string;
}

/** Certificates are renewed weeks before they end. A mounted Secret is a link that is turned, which only `stat` notices. */
const LOOK_EVERY_MS = 10_000;

/**
 * An HTTPS server that follows its files: a renewed certificate is used for the next connection, running ones are not cut,
 * and files that do not fit change nothing.
 *
 * @throws TandemError gateway-tls when the files cannot be used at the start
 */
export function tlsServer(
  options: ServerOptions,
  files: TlsFiles,
  onRequest: RequestListener,
  log: Logger,
  lookEveryMs: number = LOOK_EVERY_MS,
): Server {
  const server = createServer({ ...options, ...read(files), minVersion: "TLSv1.2" }, onRequest);
  const renew = () => {
    try {
      server.setSecureContext({ ...read(files), minVersion: "TLSv1.2" });
      log.info({ cert: files.cert }, "certificate renewed");
    } catch (error) {
      // Half of a renewal: the other file changes in a moment, and that is seen as well.
      log.warn({ error: (error as Error).message }, "the certificate's files changed and cannot be used yet");
    }
  };
  for (const path of [files.cert, files.key]) watchFile(path, { interval: lookEveryMs, persistent: false }, renew);
  server.once("close", () => {
    for (const path of [files.cert, files.key]) unwatchFile(path, renew);
  });
  return server;
}

function read({ cert, key }: TlsFiles): { cert: Buffer; key: Buffer } {
  try {
    const pair = { cert: readFileSync(cert), key: readFileSync(key) };
    // Throws if one is no PEM, or the key is another's.
    createSecureContext(pair);
    return pair;
  } catch (error) {
    throw new TandemError({
      code: "gateway-tls",
      what: "the gateway cannot serve TLS",
      why: `${cert} and ${key}: ${(error as Error).message}`,
      fix: "give `listen.tls` a certificate chain in PEM and the key that belongs to it, not encrypted",
    });
  }
}
