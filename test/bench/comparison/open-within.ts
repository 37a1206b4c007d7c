import { type CheckedStream, type ClientOptions, openStream } from "../../../src/drill/client.ts";
import type { StreamRequest } from "../../../src/drill/stream-request.ts";

/**
 * Opens a stream that is left also if it gets no connection within its time-out: Node counts silence from the connection on,
 * and the kernel looks for a server that has lost its power for two minutes.
 */
export function openWithin(request: StreamRequest, options: ClientOptions & { idleTimeoutMs: number }): CheckedStream {
  const stream = openStream(request, options);
  const timer = setTimeout(() => {
    if (stream.record.status === null) stream.leave();
  }, options.idleTimeoutMs);
  void stream.ended.then(() => clearTimeout(timer));
  return stream;
}
