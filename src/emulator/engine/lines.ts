import type { Readable } from "node:stream";

/** Calls `onLine` for each line of a stream. Unlike `node:readline` it leaves the stream's errors to their own listeners. */
export function onLines(stream: Readable, onLine: (line: string) => void): void {
  let rest = "";
  stream.setEncoding("utf8");
  stream.on("data", (text: string) => {
    const parts = (rest + text).split("\n");
    rest = parts.pop() ?? "";
    for (const line of parts) onLine(line);
  });
}
