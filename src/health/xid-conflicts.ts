import data from "./data/vendor-stances.json" with { type: "json" };
import type { Remedy } from "./remedy.ts";
import { vendorViews, xidPolicy } from "./xid-policy.ts";

/** What somebody does with a code, in one word that can be compared. */
export type Stance = "ignores" | "reports" | "restarts" | "takes-out";

export interface VendorStance {
  vendor: string;
  /** The vendor's own word. */
  does: string;
  /** What it asks for when the code comes back, where it says so. */
  afterwards: string | null;
  /** Null for a word that nobody has read yet. */
  stance: Stance | null;
  agrees: boolean;
  /** The vendor's general rule, which explains why it differs. */
  habit: string;
  source: string;
}

const OURS: Readonly<Record<Remedy, Stance>> = {
  ignore: "ignores",
  watch: "reports",
  "schedule-reset": "reports",
  "restart-group": "restarts",
  "failover-reset": "takes-out",
  "failover-reboot": "takes-out",
  "failover-support": "takes-out",
};

const names: Readonly<Record<string, string>> = data.names;
const habits: Readonly<Record<string, string>> = data.habits;
const stances = data.stances as Readonly<Record<string, Readonly<Record<string, Stance>>>>;

/** Our stance on a code, in the same words. */
export function ourStance(code: number, overrides: Readonly<Record<number, Remedy>> = {}): Stance {
  return OURS[xidPolicy(code, overrides).remedy];
}

/**
 * Every vendor that names the code, beside ours. Vendors contradict each other on most codes; ours is decided by one question:
 * what does the code do to sixteen ranks that live and die together, and is the server to blame.
 */
export function vendorStances(code: number, overrides: Readonly<Record<number, Remedy>> = {}): VendorStance[] {
  const ours = ourStance(code, overrides);
  return vendorViews(code).map(({ vendor, does, afterwards, source }) => {
    const stance = stances[vendor]?.[does] ?? null;
    return {
      vendor: names[vendor] ?? vendor,
      does,
      afterwards,
      stance,
      agrees: stance === ours,
      habit: habits[vendor] ?? "",
      source,
    };
  });
}
