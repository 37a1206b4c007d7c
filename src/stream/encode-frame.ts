import type { Frame } from "./frames.ts";

/** One frame as one line. Apart from the reader of frames, whose schemas an agent would hold in memory for nothing. */
export function encodeFrame(frame: Frame): string {
  return `${JSON.stringify(frame)}\n`;
}
