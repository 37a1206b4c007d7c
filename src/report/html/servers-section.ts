import type { GroupPlan, ServingPlan } from "../../plan/serving-plan.ts";
import { asText, paragraphs, sectionOf, tableOf } from "./markup.ts";

/** Groups with their servers and ranks as boxes, and what stands beside them as a table. */
export function serversSection(plan: ServingPlan): string {
  const ranks = plan.serversPerGroup * plan.gpusPerServer;
  const groups = Object.values(plan.groups);
  const beside = besides(plan);
  return sectionOf(
    "servers",
    "Servers and ranks",
    paragraphs(
      `Each group is one engine with ranks 0 to ${ranks - 1}, one on each GPU.${
        plan.serversPerGroup > 1
          ? ` Kubernetes gives out the ranks: the leader, with ranks 0 to ${plan.gpusPerServer - 1}, may come to any server of its group.`
          : ""
      }`,
    ),
    `<div class="grid">${groups.map((group) => groupCard(plan, group)).join("\n")}</div>`,
    beside.length > 0 ? tableOf("Beside the groups", ["Name", "Address", "Task", "Where"], beside) : "",
  );
}

function groupCard(plan: ServingPlan, { id, role, servers }: GroupPlan): string {
  return [
    `<div class="card"><h3>Group ${asText(id)}, ${role}</h3>`,
    ...servers.map((name, index) => serverBox(plan, name, index * plan.gpusPerServer)),
    "</div>",
  ].join("\n");
}

function serverBox({ spec, gpusPerServer }: ServingPlan, name: string, first: number): string {
  const server = spec.servers[name];
  const domain = Object.entries(server?.failureDomain ?? {}).map(([kind, value]) => `${kind} ${value}`);
  const about = [`${server?.gpus} × ${server?.gpu}`, server?.address ?? "", ...domain].join(", ");
  const ranks = Array.from({ length: gpusPerServer }, (_, at) => first + at);
  const cells = ranks.map((rank) => `<li${rank === 0 ? ' class="first"' : ""}>${rank}</li>`);
  return [
    `<div class="server"><strong>${asText(name)}</strong> <span class="quiet">${asText(about)}</span>`,
    `<ol class="ranks" aria-label="Ranks on ${asText(name)}">${cells.join("")}</ol></div>`,
  ].join("\n");
}

function besides({ spec }: ServingPlan): string[][] {
  const rows = spec.spares.map((name) => [name, spec.servers[name]?.address ?? "", "spare", ""]);
  for (const [name, { address }] of Object.entries(spec.controlPlane)) rows.push([name, address, "control plane", ""]);
  if (spec.gateway !== undefined) {
    const { address, port, on } = spec.gateway;
    rows.push(["gateway", `${address}:${port}`, "gateway", `on ${on.join(" and ")}`]);
  }
  return rows;
}
