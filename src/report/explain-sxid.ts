import type { Remedy } from "../health/remedy.ts";
import { SXID_POLICY_VERSION, type SxidPolicy, sxidPolicy } from "../health/sxid-policy.ts";
import { type Explanation, explanation } from "./explanation.ts";
import { MEANINGS } from "./remedy-meanings.ts";

/** `tandem explain sxid 20034`: what is done about an error of an NVSwitch, as the driver words it, and who says so. */
export function explainSxid(code: number, overrides: Readonly<Record<number, Remedy>> = {}): Explanation {
  const fatal = sxidPolicy(code, true, overrides);
  const other = sxidPolicy(code, false, overrides);
  const data = { code, name: fatal.name, policyVersion: SXID_POLICY_VERSION, fatal, other };
  const title = `SXid ${code}  ${fatal.name}`;
  if (fatal.source === "spec") return explanation(title, { class: meaning(fatal), why: fatal.reason }, data);
  return explanation(
    title,
    {
      Fatal: [meaning(fatal), fatal.reason],
      other: [meaning(other), other.reason],
      note: "The driver writes Fatal, Non-fatal or Correctable into the line; the lines with registers that follow have none of them.",
      source: [...new Set([fatal.source, other.source]), `policy ${SXID_POLICY_VERSION}`],
    },
    data,
  );
}

function meaning({ remedy }: SxidPolicy): string {
  return `${remedy}: ${MEANINGS[remedy]}.`;
}
