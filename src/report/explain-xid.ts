import type { Remedy } from "../health/remedy.ts";
import { ourStance, type Stance, type VendorStance, vendorStances } from "../health/xid-conflicts.ts";
import { XID_POLICY_VERSION, type XidPolicy, xidPolicy } from "../health/xid-policy.ts";
import { MEANINGS } from "./remedy-meanings.ts";
import { table } from "./table.ts";
import { wrap } from "./wrap.ts";

export interface XidExplanation {
  /** For a person, 80 columns wide. */
  text: string;
  /** The same for a program. */
  data: XidPolicy & { policyVersion: string; stance: Stance; vendors: VendorStance[] };
}

const VERBS: Readonly<Record<Stance, string>> = {
  ignores: "ignores it",
  reports: "reports it",
  restarts: "restarts the process",
  "takes-out": "takes the GPU or server out",
};

/** `tandem explain xid 94`: what we do with a code and why, and what everybody else does with it. */
export function explainXid(code: number, overrides: Readonly<Record<number, Remedy>> = {}): XidExplanation {
  const policy = xidPolicy(code, overrides);
  const vendors = vendorStances(code, overrides);
  const stance = ourStance(code, overrides);
  const data = { ...policy, policyVersion: XID_POLICY_VERSION, stance, vendors };
  const lines = [
    `XID ${code}  ${policy.name}`,
    "",
    ...wrap(`${policy.remedy}: ${MEANINGS[policy.remedy]}.`, "class   "),
    ...wrap(policy.reason, "why     "),
    ...wrap(`${policy.source}; policy ${XID_POLICY_VERSION}`, "source  "),
    ...(code === 154 && overrides[154] === undefined ? ["", ...wrap(DRIVER_VERDICT, "note    ")] : []),
    "",
    ...others(vendors, stance),
  ];
  return { text: `${lines.join("\n").trimEnd()}\n`, data };
}

const DRIVER_VERDICT =
  "The text of this line is read and comes before every other rule: GPU reset asks for failover-reset, node reboot for failover-reboot, drain P2P and drain and reset for failover-reset; None lowers nothing.";

function others(vendors: readonly VendorStance[], ours: Stance): string[] {
  if (vendors.length === 0) return ["Nobody else names this code."];
  const rows = vendors.map(({ vendor, does, afterwards, stance }) => [
    vendor,
    stance === null ? "" : VERBS[stance],
    afterwards === null ? does : `${does}, then ${afterwards}`,
  ]);
  const differing = vendors.filter(({ agrees }) => !agrees);
  const reasons = differing.flatMap(({ vendor, habit }) => wrap(`${vendor} ${habit}.`, "  ", "    "));
  return [
    "What others do with it",
    ...table(rows, "  "),
    "",
    differing.length === 0 ? `All of them do as we do (we: ${VERBS[ours]}).` : `Why they differ (we: ${VERBS[ours]})`,
    ...reasons,
    "",
    "Where each of them says so is in --output json.",
  ];
}
