import { PCI_BUS } from "./gpus.ts";

/** XIDs that NVIDIA's device plugin takes for errors of the application (its `defaultIgnoredXIDs` and 109). */
const APPLICATION_XIDS = new Set([13, 31, 43, 45, 68, 109]);

export interface Xid {
  xid: number;
  /** `0000:1b:00` */
  pci: string;
}

/** A line as the NVIDIA driver writes it: `NVRM: Xid (PCI:0000:1b:00): 79, GPU has fallen off the bus.` */
export function xidLine({ xid, gpu, detail }: { xid: number; gpu: number; detail: string }): string {
  const pci = PCI_BUS[gpu];
  if (pci === undefined) throw new RangeError(`GPU ${gpu}: a server has 0 to ${PCI_BUS.length - 1}`);
  return `NVRM: Xid (PCI:0000:${pci}): ${xid}, ${detail}`;
}

/** A record of /dev/kmsg: facility and level (3: kernel, error), sequence number, microseconds since boot, flags. */
export function kmsgRecord(sequence: number, micros: number, text: string): string {
  return `3,${sequence},${Math.floor(micros)},-;${text.replaceAll("\n", " ")}\n`;
}

/**
 * Shell text that appends `text` to a machine's kernel log with its own time, to be run there over SSH. Prints the time
 * of the fault in nanoseconds since 1970 by that machine's clock.
 */
export function appendScript(text: string, level = 3): string {
  const quoted = text.replaceAll("\n", " ").replaceAll("'", "'\\''");
  return (
    `usec=$(awk '{printf "%.0f", $1 * 1000000}' /proc/uptime); ` +
    `sequence=$(wc -l < /dev/kmsg); date +%s%N; ` +
    `printf '%d,%d,%s,-;%s\\n' ${level} "$sequence" "$usec" '${quoted}' >> /dev/kmsg\n`
  );
}

/** The XID in one record of the kernel log, if there is one. Only facility 0 is the kernel's own. */
export function readXid(record: string): Xid | null {
  const match = /^(\d+),\d+,\d+,[^;]*;NVRM: Xid \(PCI:([0-9a-fA-F:.]+)\): (\d+)/.exec(record);
  if (match === null || Number(match[1]) >> 3 !== 0) return null;
  return { pci: (match[2] ?? "").toLowerCase().replace(/\.\d$/, ""), xid: Number(match[3]) };
}

/** Index of the GPU that a device plugin marks unhealthy for this XID; null for an error of an application. */
export function unhealthyGpu({ xid, pci }: Xid): number | null {
  if (APPLICATION_XIDS.has(xid)) return null;
  const index = PCI_BUS.findIndex((bus) => pci.endsWith(bus));
  return index < 0 ? null : index;
}
