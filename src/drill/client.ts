import { type ClientRequest, type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { monotonicMs } from "./clock.ts";
import { readPayload } from "./read-payload.ts";
import { SseReader } from "./sse.ts";
import { emptyRecord, type StreamRecord } from "./stream-record.ts";
import { bodyOf, type StreamRequest } from "./stream-request.ts";

export interface ClientOptions {
  /** An OpenAI base URL, ending in `/v1`. */
  baseUrl: string;
  apiKey?: string;
  model: string;
  /** PEM of the authority that signed the server's certificate. */
  ca?: string;
  /** A stream that says nothing for so long is given up; nothing is awaited forever. */
  idleTimeoutMs?: number;
  /** Called for every piece of text. */
  onPiece?(record: StreamRecord): void;
}

/** A stream that is running: its record grows while it does. */
export interface CheckedStream {
  record: StreamRecord;
  /** Resolves at the end of the stream, whatever it was; never rejects. */
  ended: Promise<StreamRecord>;
  /** Leaves, as a client that closes its window. */
  leave(): void;
}

const IDLE_TIMEOUT_MS = 60_000;
/** Enough of a refusal to understand it. */
const REFUSAL_CHARS = 300;

/** Opens one stream with a connection of its own and writes down everything that comes, with its time. */
export function openStream(request: StreamRequest, options: ClientOptions): CheckedStream {
  const record = emptyRecord(request, monotonicMs());
  const { path, body } = bodyOf(request, options.model);
  const url = new URL(`${options.baseUrl}${path}`);
  const payload = JSON.stringify(body);
  let outgoing: ClientRequest;
  const ended = new Promise<StreamRecord>((resolve) => {
    const end = (error?: string): void => {
      if (record.endedAtMs !== null) return;
      record.endedAtMs = monotonicMs();
      if (error !== undefined) record.errors.push({ atMs: record.endedAtMs, text: error });
      resolve(record);
      outgoing.destroy();
    };
    const send = url.protocol === "https:" ? requestHttps : requestHttp;
    outgoing = send(url, {
      method: "POST",
      agent: false,
      ...(options.ca === undefined ? {} : { ca: options.ca }),
      headers: {
        "content-type": "application/json",
        "content-length": Buffer.byteLength(payload),
        ...(options.apiKey === undefined ? {} : { authorization: `Bearer ${options.apiKey}` }),
      },
    });
    outgoing.setTimeout(options.idleTimeoutMs ?? IDLE_TIMEOUT_MS, () => end("nothing came for too long"));
    outgoing.on("error", (error) => end(`connection: ${error.message}`));
    outgoing.on("response", (response) => read(response, record, options, end));
    outgoing.end(payload);
  });
  return { record, ended, leave: () => void outgoing.destroy() };
}

function read(
  response: IncomingMessage,
  record: StreamRecord,
  options: ClientOptions,
  end: (error?: string) => void,
): void {
  record.status = response.statusCode ?? null;
  response.setEncoding("utf8");
  response.on("error", (error) => end(`connection: ${error.message}`));
  if (record.status !== 200) {
    let refusal = "";
    response.on("data", (text: string) => {
      if (refusal.length < REFUSAL_CHARS) refusal += text;
    });
    response.on("end", () => end(refusal.slice(0, REFUSAL_CHARS)));
    return;
  }
  const sse = new SseReader();
  response.on("data", (text: string) => {
    const atMs = monotonicMs();
    const before = record.pieces.length;
    for (const data of sse.push(text)) readPayload(record, data, atMs);
    if (record.pieces.length > before) options.onPiece?.(record);
  });
  response.on("end", () =>
    end(sse.unfinished === "" ? undefined : `cut off in a frame: ${sse.unfinished.slice(0, 80)}`),
  );
}
