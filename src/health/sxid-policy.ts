import policy from "./data/sxid-policy.json" with { type: "json" };
import { compareRemedies, type Remedy } from "./remedy.ts";

export interface SxidPolicy {
  code: number;
  /** NVIDIA's name; "unknown" for a code that the guide does not list. */
  name: string;
  remedy: Remedy;
  reason: string;
  source: string;
}

type Entry = { name: string; section: string; class: string; reason: string };
const codes = policy.codes as Record<string, Entry>;

/** The version of the policy data. */
export const SXID_POLICY_VERSION = policy.version;
export const KNOWN_SXIDS: readonly number[] = Object.keys(codes).map(Number);

/**
 * What to do about one error of an NVSwitch. `overrides` come from the spec and win. The driver calls some codes fatal or not
 * line by line, by whether the port is lost; so a line with the word Fatal always leaves the server, and one without it never
 * does, however the code is known.
 *
 * @param fatal whether the line has the word; the lines with registers that follow it have none
 */
export function sxidPolicy(code: number, fatal: boolean, overrides: Readonly<Record<number, Remedy>> = {}): SxidPolicy {
  const entry = codes[String(code)];
  const override = overrides[code];
  const name = entry?.name ?? "unknown";
  if (override !== undefined) return { code, name, remedy: override, reason: "set in the spec", source: "spec" };
  // The guide speaks of the code as it is meant; of a line that differs from that the driver's word is all there is.
  if (entry !== undefined && fatal === isFatal(entry)) {
    const source = `${policy.source}, ${entry.section}`;
    return { code, name, remedy: entry.class as Remedy, reason: entry.reason, source };
  }
  const word = fatal ? policy.words.fatal : policy.words.other;
  return { code, name, remedy: word.class as Remedy, reason: word.reason, source: policy.words.source };
}

function isFatal(entry: Entry): boolean {
  return compareRemedies(entry.class as Remedy, "failover-reset") >= 0;
}
