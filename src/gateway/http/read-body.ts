import type { IncomingMessage } from "node:http";
import { assertModest } from "./assert-modest.ts";
import { RefusedRequest } from "./refused-request.ts";

/**
 * Reads a JSON body up to `maxBytes`. What is too long is not read to its end.
 *
 * @param onBytes told of each piece before it is kept; what it throws ends the reading
 */
export async function readJsonBody(
  request: IncomingMessage,
  maxBytes: number,
  onBytes: (bytes: number) => void = () => {},
): Promise<unknown> {
  const tooLong = () => new RefusedRequest(413, `the body is longer than ${maxBytes} bytes`, { code: "body_too_long" });
  if (Number(request.headers["content-length"] ?? 0) > maxBytes) throw tooLong();
  const encoding = request.headers["content-encoding"] ?? "identity";
  if (encoding !== "identity") throw new RefusedRequest(415, `content-encoding ${encoding} is not taken`);
  const parts: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const part of request as AsyncIterable<Buffer>) {
      bytes += part.length;
      if (bytes > maxBytes) throw tooLong();
      onBytes(part.length);
      parts.push(part);
    }
  } catch (error) {
    if (error instanceof RefusedRequest) throw error;
    throw new RefusedRequest(400, "the body was cut short");
  }
  try {
    const json = new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(parts));
    assertModest(json);
    return JSON.parse(json);
  } catch (error) {
    if (error instanceof RefusedRequest) throw error;
    throw new RefusedRequest(400, "the body is not JSON in UTF-8");
  }
}
