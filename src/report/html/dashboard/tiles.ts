import type { Dashboard } from "../../dashboard/dashboard.ts";
import { asText } from "../markup.ts";
import { agoTime, secondsText } from "./times.ts";

/** The figures that a person looks for first. */
export function tilesPart({
  active,
  activeSince,
  epoch,
  mode,
  redundancy,
  flow,
  gateways,
  takeover,
  groups,
}: Dashboard): string {
  const requests = gateways.reduce((sum, gateway) => sum + gateway.requests, 0);
  const queued = groups.reduce((sum, group) => sum + (group.queued ?? 0), 0);
  const since = activeSince === null ? "" : `since ${agoTime(activeSince)}`;
  return `<dl class="tiles">${[
    tile("Serves", active === null ? "nobody" : `group ${active}`, since),
    tile("Tokens a second", String(flow.perSecond), `${requests} requests, ${queued} queued`),
    tile(
      "Longest token gap now",
      flow.gapMs === null ? "none" : secondsText(flow.gapMs),
      flow.gapMs === null ? "no stream is open" : "",
    ),
    tile(
      "Takeover",
      takeover.ready ? "ready" : "not ready",
      takeover.rungs.length === 0
        ? "by sight, not by proof"
        : `${takeover.rungs.filter(({ ok }) => ok).length} of ${takeover.rungs.length} rungs hold`,
    ),
    tile("Redundancy", redundancy ?? "unknown", mode === null ? "" : asText(mode)),
    tile("Epoch", String(epoch), "only ever grows"),
  ].join("")}</dl>`;
}

function tile(name: string, figure: string, more: string): string {
  return `<div><dt>${asText(name)}</dt><dd>${asText(figure)}${more === "" ? "" : `<small>${more}</small>`}</dd></div>`;
}
