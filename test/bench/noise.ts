import { spawn } from "node:child_process";
import { once } from "node:events";
import { xidLine } from "../../src/emulator/gpu/kernel-log.ts";

const CORES = 2;
const BUSY_MS = 3_000;
/** Codes that move no traffic (src/health/data/xid-policy.json): a watched one, and applications' own. */
const HARMLESS_XIDS = [92, 106, 107];
const NOISE_LINES = 500;

/** Burns both cores in processes of their own, so that what is measured is the others' starvation. */
export async function burnCores(): Promise<void> {
  const burn = async () =>
    once(spawn(process.execPath, ["-e", `const end = Date.now() + ${BUSY_MS}; while (Date.now() < end);`]), "exit");
  await Promise.all(Array.from({ length: CORES }, burn));
}

/** Lines of a kernel log that are no fault. */
export function kernelNoise(): string[] {
  return [
    ...Array.from({ length: NOISE_LINES }, (_, line) => `usb 1-1: device descriptor read/64, error -71 (${line})`),
    ...HARMLESS_XIDS.map((xid) =>
      xidLine({ gpu: Math.floor(Math.random() * 8), xid, detail: "pid='<unknown>', noise" }),
    ),
  ];
}
