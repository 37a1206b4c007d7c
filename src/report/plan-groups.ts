import type { GroupPlan, ServingPlan } from "../plan/serving-plan.ts";
import type { Paint } from "./paint.ts";
import { table } from "./table.ts";
import { wrap } from "./wrap.ts";

/** Servers, groups and ranks of a plan, with what stands beside them: spares, control plane, gateway. */
export function planGroups(plan: ServingPlan, paint: Paint): string[] {
  const ranks = plan.serversPerGroup * plan.gpusPerServer;
  const groups = Object.values(plan.groups);
  const rows = groups.map((group) => serverRows(plan, group));
  // One table for all groups, so that their columns stand below each other; cut apart again for the headings.
  const lines = table([...rows.flat(), ...besides(plan)], "  ");
  const out: string[] = [];
  let at = 0;
  const take = (count: number) => {
    for (let taken = 0; taken < count; taken += 1, at += 1) {
      out.push(lines[at] ?? "");
      // A last cell that found no room stands on a line of its own.
      while (lines[at + 1]?.startsWith("    ")) out.push(lines[++at] ?? "");
    }
  };
  groups.forEach((group, index) => {
    out.push(paint("heading", `GROUP ${group.id}, ${group.role}: ranks 0-${ranks - 1}`));
    take(rows[index]?.length ?? 0);
  });
  if (at < lines.length) out.push(paint("heading", "BESIDES"));
  out.push(...lines.slice(at));
  if (plan.serversPerGroup > 1) {
    const note = `Kubernetes gives out the ranks: the leader, with ranks 0-${plan.gpusPerServer - 1}, may come to any server of its group.`;
    out.push(...wrap(note, "  ").map((line) => paint("quiet", line)));
  }
  return out;
}

function serverRows({ spec, gpusPerServer }: ServingPlan, { servers }: GroupPlan): string[][] {
  return servers.map((name, index) => {
    const first = index * gpusPerServer;
    return [...hostCells(spec, name), `ranks ${first}-${first + gpusPerServer - 1}`, domains(spec, name)];
  });
}

function besides({ spec }: ServingPlan): string[][] {
  const rows = spec.spares.map((name) => [...hostCells(spec, name), "spare", domains(spec, name)]);
  for (const [name, { address }] of Object.entries(spec.controlPlane)) rows.push([name, address, "", "control plane"]);
  if (spec.gateway !== undefined) {
    const { address, port, on } = spec.gateway;
    rows.push(["gateway", address, `port ${port}`, `on ${on.join(", ")}`]);
  }
  return rows;
}

function hostCells(spec: ServingPlan["spec"], name: string): string[] {
  const server = spec.servers[name];
  return [name, server?.address ?? "", `${server?.gpus} × ${server?.gpu}`];
}

function domains(spec: ServingPlan["spec"], name: string): string {
  return Object.entries(spec.servers[name]?.failureDomain ?? {})
    .map(([kind, value]) => `${kind} ${value}`)
    .join(", ");
}
