import policy from "./data/xid-policy.json" with { type: "json" };
import vendors from "./data/xid-vendors.json" with { type: "json" };
import type { Remedy } from "./remedy.ts";

export interface XidPolicy {
  code: number;
  /** NVIDIA's mnemonic; "unknown" for a code newer than the catalog. */
  name: string;
  remedy: Remedy;
  reason: string;
  source: string;
}

/** A vendor that names the code, and what it does with it; the source is a repository path or a document. */
export interface VendorView {
  vendor: string;
  does: string;
  /** What it asks for when the code comes back; only NVIDIA's catalog says. */
  afterwards: string | null;
  source: string;
}

type Entry = { name: string; h100: boolean; class: string; reason: string };
const codes = policy.codes as Record<string, Entry>;

/** The version of the policy data, kept in every record of a decision that used it. */
export const XID_POLICY_VERSION = policy.version;
export const KNOWN_XIDS: readonly number[] = Object.keys(codes).map(Number);

/**
 * What to do about one XID. `overrides` come from the spec and win.
 * A code that the catalog does not know is watched: moving traffic on a word nobody explained would be a guess.
 */
export function xidPolicy(code: number, overrides: Readonly<Record<number, Remedy>> = {}): XidPolicy {
  const entry = codes[String(code)];
  const override = overrides[code];
  const name = entry?.name ?? "unknown";
  if (override !== undefined) return { code, name, remedy: override, reason: "set in the spec", source: "spec" };
  if (entry === undefined) {
    const reason = `no catalog up to ${policy.version} names this code; it is shown to a human`;
    return { code, name, remedy: "watch", reason, source: policy.source };
  }
  return { code, name, remedy: entry.class as Remedy, reason: entry.reason, source: policy.source };
}

/** What others do with a code, in a fixed order; vendors that do not name it are left out. */
export function vendorViews(code: number): VendorView[] {
  const row = (vendors.codes as Record<string, Record<string, string | null>>)[String(code)] ?? {};
  const sources = vendors.sources as Record<string, string>;
  return Object.keys(sources).flatMap((vendor) => {
    const does = row[vendor];
    const afterwards = vendor === "nvidia" ? (row.investigatory ?? null) : null;
    return does ? [{ vendor, does, afterwards, source: sources[vendor] ?? "" }] : [];
  });
}
