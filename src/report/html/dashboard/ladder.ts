import type { Dashboard } from "../../dashboard/dashboard.ts";
import { asText } from "../markup.ts";
import { agoTime } from "./times.ts";

/** Would a failover work now: each rung with the time at which it was last proved. */
export function ladderPart({ takeover }: Dashboard): string {
  const { ready, reasons, rungs } = takeover;
  const verdict = ready
    ? '<p><strong class="good">✓ Yes.</strong> A failover would work now.</p>'
    : `<p><strong class="badly">✖ No.</strong> ${asText(reasons.join("; ") || "nothing is proved")}</p>`;
  const rows = rungs.map(({ name, ok, provenAt, detail }) => {
    const state = ok ? '<span class="good">✓ holds</span>' : '<strong class="badly">✖ broken</strong>';
    const when = provenAt === null ? "never proved" : `proved ${agoTime(provenAt)}`;
    return `<li><b>${asText(name)}</b>${state}<span>${when}<br><span class="what">${asText(detail)}</span></span></li>`;
  });
  return `${verdict}${rows.length === 0 ? "" : `<ul class="ladder">${rows.join("")}</ul>`}`;
}
