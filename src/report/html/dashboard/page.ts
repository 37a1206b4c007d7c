import type { Dashboard } from "../../dashboard/dashboard.ts";
import { asText, sectionOf } from "../markup.ts";
import { flowPart } from "./flow.ts";
import { gatewaysPart } from "./gateways.ts";
import { groupsPart } from "./groups.ts";
import { historyPart } from "./history.ts";
import { ladderPart } from "./ladder.ts";
import { nowPart } from "./now.ts";
import { shellOf } from "./shell.ts";
import { tilesPart } from "./tiles.ts";

/** Whoever looks: what they may do is shown to them, and nothing else. */
export interface Visitor {
  name: string;
  role: "operator" | "viewer";
  /** Shown with every form, so that no other page can send one. */
  csrf: string;
}

/** What changes, by the id of its place on the page. Each is pushed by itself when it is another than before. */
export const PARTS = {
  now: nowPart,
  tiles: tilesPart,
  flow: flowPart,
  groups: groupsPart,
  ladder: ladderPart,
  gateways: gatewaysPart,
  history: historyPart,
} as const;
export type PartId = keyof typeof PARTS;

export function partsOf(dashboard: Dashboard): Record<PartId, string> {
  const entries = Object.entries(PARTS).map(([id, part]) => [id, part(dashboard)] as const);
  return Object.fromEntries(entries) as Record<PartId, string>;
}

/** The whole page at one moment; from then on its script takes the parts that change. */
export function dashboardPage(dashboard: Dashboard, visitor: Visitor): string {
  const { stack, model, by } = dashboard;
  const parts = partsOf(dashboard);
  const place = (id: PartId, more = "") => `<div id="${id}"${more}>${parts[id]}</div>`;
  return shellOf({
    title: `${stack} · ${model}`,
    nav: navOf(visitor),
    main: [
      `<section aria-label="What is decided">${place("now", ' role="status" aria-live="polite"')}</section>`,
      `<section aria-label="In figures">${place("tiles")}</section>`,
      sectionOf("flow-title", "Tokens", place("flow")),
      sectionOf("groups-title", "Groups", place("groups")),
      sectionOf("ladder-title", "Would a failover work now?", place("ladder")),
      sectionOf("gateways-title", "Gateway", place("gateways")),
      sectionOf("history-title", "Failovers and drills", place("history")),
    ].join("\n"),
    footer: `Shown by ${by}, as it knows it. All times are of the reconciler's clock.`,
    isLive: true,
  });
}

function navOf({ name, role, csrf }: Visitor): string {
  const orders =
    role === "operator"
      ? '<a class="button" href="switchover">Switch over…</a><a class="button" href="drill">Drill…</a>'
      : '<span class="quiet">this key may look only</span>';
  return `<nav aria-label="What can be done">${orders}<form class="inline" method="post" action="logout"><input type="hidden" name="csrf" value="${asText(csrf)}"><button>Log out ${asText(name)}</button></form></nav>`;
}
