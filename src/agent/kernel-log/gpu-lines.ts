import { type GpuLogLine, parseKernelLine } from "../../health/kernel-line.ts";

/** `NVRM: Xid (PCI:…` and `SXid (PCI:…` have this in common, and nearly no other line of a kernel has it. */
const MARK = Buffer.from("Xid (PCI:");
const NEWLINE = 10;
const MAX_LINE_BYTES = 8_192;

/**
 * Finds the lines of GPUs and switches in the bytes of a kernel log. Searches bytes and turns only what it found into
 * text: 10,000 other lines a second cost next to nothing.
 */
export class GpuLines {
  #rest: Buffer = Buffer.alloc(0);

  push(bytes: Buffer): GpuLogLine[] {
    const all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    const end = all.lastIndexOf(NEWLINE) + 1;
    const rest = all.subarray(end);
    // A line without end is cut; what remains of it cannot begin with a record's header and is read as nothing.
    this.#rest = Buffer.from(rest.length > MAX_LINE_BYTES ? rest.subarray(0, MAX_LINE_BYTES) : rest);

    const complete = all.subarray(0, end);
    const found: GpuLogLine[] = [];
    for (let hit = complete.indexOf(MARK); hit >= 0; ) {
      const start = complete.lastIndexOf(NEWLINE, hit) + 1;
      const stop = complete.indexOf(NEWLINE, hit);
      const line = parseKernelLine(complete.toString("utf8", start, Math.min(stop, start + MAX_LINE_BYTES)));
      if (line !== null) found.push(line);
      hit = complete.indexOf(MARK, stop);
    }
    return found;
  }

  /** Forgets half a line: what follows is from elsewhere. */
  reset(): void {
    this.#rest = Buffer.alloc(0);
  }
}
