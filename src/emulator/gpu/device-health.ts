import { closeSync, fstatSync, openSync, readFileSync, readSync, statSync } from "node:fs";
import { parseOverrides } from "./gpus.ts";
import { readXid, unhealthyGpu } from "./kernel-log.ts";

const CHUNK_BYTES = 65_536;

export interface HealthSources {
  /** The machine's kernel log, a regular file that only grows. */
  kernelLog: string;
  /** `gpus.tsv`: `health` and `lost` count here. */
  overrides: string;
}

/** Health of a machine's GPUs as NVIDIA's device plugin sees it: an XID makes a GPU unhealthy for good. */
export class DeviceHealth {
  readonly #gpus: number;
  readonly #sources: HealthSources;
  readonly #failed = new Set<number>();
  #log: { fd: number; at: number } | null = null;
  #rest = "";
  #overridesStamp = "";
  #overrides: { forced: Map<number, boolean> } = { forced: new Map() };

  constructor(gpus: number, sources: HealthSources) {
    this.#gpus = gpus;
    this.#sources = sources;
    this.#openLog();
  }

  /** Looks at both sources once; true for each healthy GPU. */
  read(): boolean[] {
    this.#readLog();
    this.#readOverrides();
    return Array.from({ length: this.#gpus }, (_, gpu) => this.#overrides.forced.get(gpu) ?? !this.#failed.has(gpu));
  }

  // Old lines are of an earlier life of the driver: a plugin that starts counts only what comes after.
  #openLog(): void {
    try {
      const fd = openSync(this.#sources.kernelLog, "r");
      const stats = fstatSync(fd);
      // The character device is the log of all machines of this host and would block at its end.
      if (stats.isFile()) this.#log = { fd, at: stats.size };
      else closeSync(fd);
    } catch {}
  }

  #readLog(): void {
    const log = this.#log;
    if (log === null) return;
    // Emptied at a boot of the machine.
    if (fstatSync(log.fd).size < log.at) log.at = 0;
    const chunk = Buffer.alloc(CHUNK_BYTES);
    for (let bytes = readSync(log.fd, chunk, 0, CHUNK_BYTES, log.at); bytes > 0; ) {
      log.at += bytes;
      const lines = (this.#rest + chunk.toString("utf8", 0, bytes)).split("\n");
      this.#rest = lines.pop() ?? "";
      for (const line of lines) {
        const xid = readXid(line);
        const gpu = xid === null ? null : unhealthyGpu(xid);
        if (gpu !== null) this.#failed.add(gpu);
      }
      bytes = readSync(log.fd, chunk, 0, CHUNK_BYTES, log.at);
    }
  }

  #readOverrides(): void {
    try {
      const { mtimeMs, size } = statSync(this.#sources.overrides);
      const stamp = `${mtimeMs} ${size}`;
      if (stamp === this.#overridesStamp) return;
      this.#overridesStamp = stamp;
      const forced = new Map<number, boolean>();
      for (const { gpu, field, value } of parseOverrides(readFileSync(this.#sources.overrides, "utf8"))) {
        const healthy = field === "health" ? value === "Healthy" : field === "lost" ? value !== "1" : null;
        const gpus = gpu === "*" ? Array.from({ length: this.#gpus }, (_, index) => index) : [gpu];
        if (healthy !== null) for (const index of gpus) forced.set(index, healthy);
      }
      this.#overrides = { forced };
    } catch {
      this.#overrides = { forced: new Map() };
    }
  }
}
