/** A record of the kernel log that speaks of a GPU or an NVSwitch. */
export type GpuLogLine =
  | { kind: "xid"; code: number; pci: string; text: string; sequence: number; uptimeUs: number }
  | { kind: "sxid"; code: number; pci: string; fatal: boolean; text: string; sequence: number; uptimeUs: number }
  | { kind: "recovery-action"; action: RecoveryAction; pci: string; text: string; sequence: number; uptimeUs: number };

/**
 * The driver's own verdict, XID 154 from R565 on; the first six are NVML's nvmlDeviceGpuRecoveryAction_t by number. Headers
 * of NVML after R580 name one more without agreeing on its number, so that one is known by its name alone.
 */
export const RECOVERY_ACTIONS = [
  "none",
  "gpu-reset",
  "node-reboot",
  "drain-p2p",
  "drain-and-reset",
  "bus-reset",
  "recover-imex-domain",
] as const;
export type RecoveryAction = (typeof RECOVERY_ACTIONS)[number];

const RECORD = /^(\d{1,10}),(\d{1,20}),(\d{1,20}),[^;]{0,64};(.*)$/;
const XID = /^NVRM: Xid \(PCI:([0-9a-fA-F:.]{4,20})\): (\d{1,5}),?\s*(.*)$/;
const SXID = /^nvidia-nvswitch\d*: SXid \(PCI:([0-9a-fA-F:.]{4,20})\): (\d{1,6}),?\s*(.*)$/;
const CHANGED_TO = /\bto 0x([0-9a-fA-F]{1,2})\b(?: \(([^)]{0,64})\))?/;

/**
 * Reads one record of `/dev/kmsg` (`priority,sequence,uptimeUs,flags;text`). Returns null for anything else.
 * Only facility 0 counts: user space can write to the kernel log, but the kernel marks those records with another
 * facility, so no container can fake an XID.
 */
export function parseKernelLine(line: string): GpuLogLine | null {
  const record = RECORD.exec(line);
  if (record === null) return null;
  const [, priority, sequence, uptimeUs, text = ""] = record;
  if (Number(priority) >> 3 !== 0) return null;
  const at = { sequence: Number(sequence), uptimeUs: Number(uptimeUs) };

  const xid = XID.exec(text);
  if (xid !== null) {
    const [, pci = "", rawCode, detail = ""] = xid;
    const code = Number(rawCode);
    const action = code === 154 ? recoveryAction(detail) : null;
    if (action !== null) return { kind: "recovery-action", action, pci: normalizePci(pci), text, ...at };
    return { kind: "xid", code, pci: normalizePci(pci), text, ...at };
  }
  const sxid = SXID.exec(text);
  if (sxid === null) return null;
  const [, pci = "", code, detail = ""] = sxid;
  // The driver writes "Fatal" or "Non-fatal" as the first word; a line without either is taken as fatal only by a human.
  return { kind: "sxid", code: Number(code), pci: normalizePci(pci), fatal: /^Fatal\b/i.test(detail), text, ...at };
}

function recoveryAction(detail: string): RecoveryAction | null {
  const [, value = "", name = ""] = CHANGED_TO.exec(detail) ?? [];
  if (/\bimex\b/i.test(name)) return "recover-imex-domain";
  const action = RECOVERY_ACTIONS[Number.parseInt(value, 16)];
  return action === undefined || action === "recover-imex-domain" ? null : action;
}

/** `0000:0B:00` and `0000:0b:00.0` name one GPU. */
function normalizePci(pci: string): string {
  return pci.toLowerCase().replace(/\.\d$/, "");
}
