import { gunzipSync, gzipSync } from "node:zlib";

/** How many lines go at once when all of them are too long. */
const SHED = 0.8;
/** As many lines as a part of a record can ever hold: a guard against a text that unpacks to gigabytes. */
const MAX_UNPACKED_BYTES = 64 * 2 ** 20;

/**
 * Values as lines of JSON, compressed, as text for a field of an object. Where they would take more than `maxChars`, the oldest
 * go: what came last explains what was done.
 *
 * @param head kept whatever goes: what the other lines are read with
 */
export function packLines(values: readonly unknown[], maxChars: number, head: readonly unknown[] = []): string {
  const line = (value: unknown) => `${JSON.stringify(value)}\n`;
  const first = head.map(line).join("");
  for (let kept = values; ; kept = kept.slice(-Math.floor(kept.length * SHED))) {
    const packed = gzipSync(first + kept.map(line).join("")).toString("base64");
    if (packed.length <= maxChars || kept.length === 0) return packed;
    if (kept.length === 1) return gzipSync(first).toString("base64");
  }
}

/** The values that were packed, the oldest first. */
export function unpackLines<Value = unknown>(packed: string): Value[] {
  const text = gunzipSync(Buffer.from(packed, "base64"), { maxOutputLength: MAX_UNPACKED_BYTES }).toString("utf8");
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Value);
}
