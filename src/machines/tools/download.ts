import { createWriteStream } from "node:fs";
import { rename, rm, stat } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import type { Dispatcher } from "undici";
import { TandemError } from "../../errors.ts";
import { request } from "../../http-request.ts";
import { fileSha256 } from "./tool-cache.ts";

export interface DownloadOptions {
  /** The file is not used with any other. */
  sha256: string;
  dispatcher: Dispatcher;
  headers?: Record<string, string>;
  onBytes?: (bytes: number, totalBytes: number) => void;
  signal?: AbortSignal | undefined;
}

/** How often a connection that breaks while bytes still come is taken up again. */
const MAX_RESUMES = 5;

/**
 * Fetches a file whose content is known beforehand. What an earlier run left in `PATH.part` is taken up with a range
 * request; the file appears under its name only when its sha256 is right.
 *
 * @throws TandemError E_DOWNLOAD when it cannot be fetched whole, E_CHECKSUM when it is another file
 */
export async function download(url: string, path: string, options: DownloadOptions): Promise<void> {
  const part = `${path}.part`;
  let resumed = (await sizeOf(part)) > 0;
  for (;;) {
    await fetchAll(url, part, options);
    const got = await fileSha256(part);
    if (got === options.sha256) return rename(part, path);
    await rm(part);
    if (!resumed) throw wrongFile(url, got, options.sha256);
    // The beginning may be of another file: once more, from the first byte.
    resumed = false;
  }
}

async function fetchAll(url: string, part: string, options: DownloadOptions): Promise<void> {
  let failure: unknown;
  for (let resumes = 0; resumes <= MAX_RESUMES; ) {
    const before = await sizeOf(part);
    try {
      if (await fetchRest(url, part, before, options)) return;
      failure = new Error(`it broke off after ${await sizeOf(part)} bytes`);
    } catch (error) {
      options.signal?.throwIfAborted();
      if (error instanceof TandemError) throw error;
      failure = error;
    }
    // A server that gives nothing more is asked once more, not for ever.
    resumes += (await sizeOf(part)) > before ? 1 : MAX_RESUMES;
  }
  throw failed(
    url,
    failure instanceof Error ? failure.message || String((failure as { code?: string }).code) : String(failure),
    failure,
  );
}

/** One request. True when the last byte is there. */
async function fetchRest(url: string, part: string, from: number, options: DownloadOptions): Promise<boolean> {
  const { dispatcher, signal } = options;
  const { statusCode, headers, body } = await request(url, {
    dispatcher,
    headers: { ...options.headers, "accept-encoding": "identity", ...(from > 0 && { range: `bytes=${from}-` }) },
    ...(signal && { signal }),
  });
  const range = /^bytes (\d+)-\d+\/(\d+)$/.exec(String(headers["content-range"] ?? ""));
  const resuming = statusCode === 206 && Number(range?.[1]) === from;
  if (statusCode !== 200 && !resuming) {
    await body.dump();
    // The part is longer than the file, or the server cannot say where it goes on.
    if (statusCode === 416 || statusCode === 206) return rm(part, { force: true }).then(() => false);
    throw failed(url, `the server answered ${statusCode}`);
  }
  let bytes = resuming ? from : 0;
  const length = headers["content-length"];
  const total = resuming ? Number(range?.[2]) : length === undefined ? Number.NaN : Number(length);
  await pipeline(
    body,
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        bytes += chunk.length;
        options.onBytes?.(bytes, total);
        yield chunk;
      }
    },
    createWriteStream(part, { flags: resuming ? "a" : "w" }),
  );
  return Number.isNaN(total) || bytes === total;
}

async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.size ?? 0;
}

function failed(url: string, why: string, cause?: unknown): TandemError {
  return new TandemError({
    code: "E_DOWNLOAD",
    what: `cannot fetch ${hideLogin(url)}`,
    why,
    fix: "check the connection and the proxy, then run the same command again: it goes on where it was",
    cause,
  });
}

function wrongFile(url: string, got: string, wanted: string): TandemError {
  return new TandemError({
    code: "E_CHECKSUM",
    what: `${hideLogin(url)} is not the file that it should be`,
    why: `its sha256 is ${got}; wanted ${wanted}`,
    fix: "see whether something on the way changes downloads; the file was not used",
  });
}

/** Index addresses carry names and passwords at times. */
export function hideLogin(url: string): string {
  return url.replace(/\/\/[^/@]*@/, "//");
}
