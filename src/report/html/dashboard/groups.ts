import type { Dashboard } from "../../dashboard/dashboard.ts";
import type { GroupPanel } from "../../dashboard/group-panel.ts";
import type { GpuPanel, ServerPanel } from "../../dashboard/server-panel.ts";
import { asText } from "../markup.ts";
import { agoTime } from "./times.ts";

const LOOKS: Record<string, string> = {
  healthy: "good",
  watch: "watch",
  starting: "watch",
  stopped: "watch",
  suspect: "badly",
  blind: "unsure",
};

/** Groups beside each other, each with its servers and their GPUs; spares after them. */
export function groupsPart({ groups, spares }: Dashboard): string {
  const cards = groups.map(groupCard);
  if (spares.length > 0)
    cards.push(
      `<article class="card group" aria-labelledby="spares"><h3 id="spares">In no group</h3>${spares.map(serverRow).join("")}</article>`,
    );
  return `<div class="grid wide">${cards.map((card) => `<div>${card}</div>`).join("")}</div>`;
}

function groupCard(group: GroupPanel): string {
  const { id, role, run, state, reason, since, requests, running, queued, tokensPerSecond, servers, failedRevision } =
    group;
  const shows = role === "active" ? " active" : state === "suspect" || state === "blind" ? " bad" : "";
  const rows = [
    ["Runs", `${asText(run)}${since === null ? "" : ` since ${agoTime(since)}`}`],
    ["Requests", `${requests}${running === null ? "" : ` here, ${running} in the engine, ${queued ?? 0} queued`}`],
    ["Tokens", `${tokensPerSecond} a second`],
  ];
  return [
    `<article class="card group${shows}" aria-labelledby="group-${asText(id)}">`,
    `<h3 id="group-${asText(id)}">Group ${asText(id)} ${badge(role === "active" ? "good" : "unsure", role)} ${badge(LOOKS[state] ?? "unsure", state)}</h3>`,
    reason === "" || state === "healthy" ? "" : `<p>${asText(reason)}</p>`,
    failedRevision === null
      ? ""
      : `<p class="badly">It did not turn green with revision ${asText(failedRevision)}.</p>`,
    `<dl class="figures">${rows.map(([name, value]) => `<dt>${name}</dt><dd>${value}</dd>`).join("")}</dl>`,
    ...servers.map(serverRow),
    "</article>",
  ].join("");
}

function serverRow({ name, address, verdict, reason, service, quarantine, heard, gpus }: ServerPanel): string {
  const out = service === "in service" ? "" : badge(service === "fenced" ? "watch" : "badly", service);
  const why =
    quarantine === null
      ? reason
      : `needs ${quarantine.remedy}: ${quarantine.reason}; ${service === "fenced" ? "fenced" : "not fenced"}: ${quarantine.proof}`;
  return [
    `<h4>${asText(name)} <span class="quiet">${asText(address)}</span> ${badge(LOOKS[verdict] ?? "unsure", heard ? verdict : "not heard")} ${out}</h4>`,
    why === "" || (verdict === "healthy" && quarantine === null) ? "" : `<p>${asText(why)}</p>`,
    gpus.length === 0
      ? '<p class="quiet">nothing is known of its GPUs</p>'
      : `<ul class="gpus" aria-label="GPUs of ${asText(name)}">${gpus.map(gpuTile).join("")}</ul>`,
  ].join("");
}

const GPU_LOOKS: Record<GpuPanel["state"], [string, string]> = {
  well: ["good", "✓"],
  watch: ["watch", "▲"],
  bad: ["badly", "✖"],
  missing: ["badly none", "∅"],
  unknown: ["unsure none", "?"],
};

function gpuTile({ index, state, temperatureC, powerW, processes, reason }: GpuPanel): string {
  const [looks, mark] = GPU_LOOKS[state];
  const sentence = [
    `GPU ${index}: ${state}`,
    ...(reason === "" ? [] : [reason]),
    ...(temperatureC === null ? [] : [`${temperatureC} °C`]),
    ...(powerW === null ? [] : [`${Math.round(powerW)} W`]),
    `${processes} process${processes === 1 ? "" : "es"}`,
  ].join(", ");
  const figure = temperatureC === null || state === "unknown" ? "–" : `${temperatureC}°`;
  return `<li class="${looks}" title="${asText(sentence)}"><span class="hidden">${asText(sentence)}</span><span aria-hidden="true">${index}</span><span aria-hidden="true"><b class="${looks.split(" ")[0]}">${mark}</b> ${figure}</span></li>`;
}

function badge(looks: string, text: string): string {
  return `<span class="badge ${looks}">${asText(text)}</span>`;
}
