import { statSync } from "node:fs";
import type { GpuLogLine } from "../../health/kernel-line.ts";
import { monitorState } from "../monitor-state.ts";
import type { Emit, Source } from "../source.ts";
import { FollowDevice } from "./follow-device.ts";
import { GpuLines } from "./gpu-lines.ts";
import { RepeatLimit } from "./repeat-limit.ts";
import { TailFile } from "./tail-file.ts";

export interface KernelLogOptions {
  path: string;
  emit: Emit;
  monoMs(): number;
}

/** The GPU lines of the kernel log, each within milliseconds, those from before our start included. */
export function kernelLog({ path, emit, monoMs }: KernelLogOptions): Source {
  const tell = monitorState(emit, "kernel-log");
  const lines = new GpuLines();
  const repeats = new RepeatLimit((key, count) => {
    // A repeat says nothing new, but that there were so many may: "working", with the number.
    tell("working", `${count} more lines of ${key} were not passed on`);
  });
  const device = isDevice(path);
  let lastSequence = -1;
  const handlers = {
    onBytes(bytes: Buffer) {
      for (const line of lines.push(bytes)) {
        // A reader that began anew meets what it has read before. Only a kernel numbers its records without fail.
        if (device && line.sequence <= lastSequence) continue;
        lastSequence = line.sequence;
        if (repeats.passes(`${nameOf(line)} on ${line.pci}`, monoMs())) emit({ kind: "kernel-log", line });
      }
    },
    onRestart: () => lines.reset(),
    onState: tell,
  };
  const reader = device ? new FollowDevice(path, handlers) : new TailFile(path, handlers);
  return {
    stop() {
      reader.stop();
      repeats.stop();
    },
  };
}

function isDevice(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isCharacterDevice() ?? false;
}

function nameOf(line: GpuLogLine): string {
  switch (line.kind) {
    case "xid":
      return `XID ${line.code}`;
    case "sxid":
      return `SXid ${line.code}`;
    case "recovery-action":
      return `XID 154 ${line.action}`;
  }
}
