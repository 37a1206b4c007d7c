import type { GpuLogLine, RecoveryAction } from "./kernel-line.ts";
import type { Remedy } from "./remedy.ts";
import { sxidPolicy } from "./sxid-policy.ts";
import { xidPolicy } from "./xid-policy.ts";

/** What one line of the kernel log asks for. Gateways act on it in the same second, the reconciler on packs of them. */
export interface Judgement {
  remedy: Remedy;
  /** As people call it: `XID 79`. */
  name: string;
  reason: string;
  code: number;
  decidedBy: `xid-${number}` | `sxid-${number}`;
  /** The driver's own verdict, which comes before every class of ours. One that the spec overrides is the spec's. */
  byDriver: boolean;
}

/** By number: those of XIDs have up to four digits, those of SXids five. */
type Overrides = Readonly<Record<number, Remedy>>;

const BY_ACTION: Record<RecoveryAction, Remedy> = {
  none: "ignore",
  "gpu-reset": "failover-reset",
  "node-reboot": "failover-reboot",
  // Peer-to-peer traffic must stop before the reset; every rank of the group uses it.
  "drain-p2p": "failover-reset",
  "drain-and-reset": "failover-reset",
  // A reset of the PCI bus below the board: on an HGX board that is the server's own restart.
  "bus-reset": "failover-reboot",
  // Memory shared over NVLink between servers, which a server of eight H100s does not have: a person looks.
  "recover-imex-domain": "failover-support",
};

/** The remedy that the driver's own verdict names, in a line or in a field; the spec's word on XID 154 is about both. */
export function remedyOfAction(action: RecoveryAction, overrides: Overrides = {}): Remedy {
  // None is what the driver says once all is well again: no class of a fault is meant for that.
  return action === "none" ? "ignore" : (overrides[154] ?? BY_ACTION[action]);
}

/** Judges one line. `overrides` come from the spec and win. */
export function judgeLine(line: GpuLogLine, overrides: Overrides = {}): Judgement {
  switch (line.kind) {
    case "xid": {
      const { code } = line;
      const { remedy, reason } = xidPolicy(code, overrides);
      return { remedy, name: `XID ${code}`, reason, code, decidedBy: `xid-${code}`, byDriver: false };
    }
    case "recovery-action": {
      const { action } = line;
      const reason = `the driver asks for ${action}`;
      const byDriver = action !== "none" && overrides[154] === undefined;
      const remedy = remedyOfAction(action, overrides);
      return { remedy, name: "XID 154", reason, code: 154, decidedBy: "xid-154", byDriver };
    }
    case "sxid": {
      const { code } = line;
      const { remedy, reason } = sxidPolicy(code, line.fatal, overrides);
      return { remedy, name: `SXid ${code}`, reason, code, decidedBy: `sxid-${code}`, byDriver: false };
    }
  }
}
