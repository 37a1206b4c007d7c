import type { CostCurves } from "../../plan/cost/by-utilisation.ts";
import type { LayoutCurve, Question } from "../../plan/performance/curves.ts";
import type { ServingPlan } from "../../plan/serving-plan.ts";
import { thousands } from "../../plan/thousands.ts";
import { barParts } from "../memory-bar.ts";
import { sizes } from "../plan-text.ts";
import { costSection } from "./cost-section.ts";
import { asText, detailsOf, paragraphs, sectionOf, sideBySide, tableOf } from "./markup.ts";
import { memoryBars } from "./memory-bars.ts";
import { pageOf } from "./page.ts";
import { serversSection } from "./servers-section.ts";
import { speedSection } from "./speed-section.ts";

export interface PlanPage {
  plan: ServingPlan;
  warnings: readonly string[];
  curves: readonly LayoutCurve[];
  /** Undefined where the price book says nothing about servers like these. */
  cost: CostCurves | undefined;
  question: Question;
}

/**
 * A plan as one page: no script, no font, no picture from elsewhere, which its own policy would refuse. It reads on a phone,
 * in the dark, on paper and by a screen reader; every chart has its figures in a table.
 */
export function planPage({ plan, warnings, curves, cost, question }: PlanPage): string {
  const { model, spec, layout, why, groups, serversPerGroup } = plan;
  const count = Object.keys(groups).length;
  const title = `${plan.name}: ${model.preset} on ${count} ${count === 1 ? "group" : "groups"} of ${serversPerGroup} ${serversPerGroup === 1 ? "server" : "servers"}`;
  return pageOf({
    title,
    lead: [
      `Served as ${model.servedName}, up to ${thousands(model.contextLength)} tokens a request; standby ${spec.failover.standby}, failover ${spec.failover.mode}.`,
      `Layout ${layout.name}: ${sizes(layout)}. Why: ${why}.`,
    ],
    main: [
      ...(warnings.length > 0 ? [warningSection(warnings)] : []),
      serversSection(plan),
      memorySection(plan, curves),
      speedSection(curves, question),
      costSection(plan, cost, question),
      failoverSection(plan),
      rejectedSection(plan),
    ],
    footer:
      "Written by tandem plan. Figures of speed and cost are ranges of a model whose errors stand in docs/planner.md; measure before you sign.",
  });
}

function warningSection(warnings: readonly string[]): string {
  const items = warnings.map((text) => `<li>${asText(text)}</li>`).join("\n");
  return sectionOf("warnings", `Warnings (${warnings.length})`, `<ul>${items}</ul>`);
}

function memorySection({ layout, model }: ServingPlan, curves: readonly LayoutCurve[]): string {
  const rows = curves.map(({ layout: one, memory }) => ({
    name: one.name === layout.name ? `${one.name}, chosen` : one.name,
    memory,
  }));
  const figures = rows.map(({ name, memory }, at) => {
    const perRank = Math.floor(memory.kvTokens / (curves[at]?.layout.dataParallel ?? 1));
    const parts = barParts(memory).map(({ gib }) => gib.toFixed(1));
    return [name, ...parts, thousands(memory.kvTokens), thousands(perRank)];
  });
  const head = ["Layout", "Weights", "KV cache", "Graphs and buffers", "Free", "KV tokens", "of one rank"];
  return sectionOf(
    "memory",
    "Memory of each GPU",
    paragraphs(
      `A request of ${thousands(model.contextLength)} tokens must fit the KV cache of one rank; the whole cache is shared by all requests of a group.`,
    ),
    sideBySide(
      memoryBars("memory-bars", rows),
      tableOf("Memory of one GPU in GiB, and tokens of KV cache of a group", head, figures),
    ),
  );
}

function failoverSection({ budget }: ServingPlan): string {
  if (budget.length === 0) return "";
  const rows = budget.map((row) => [
    row.class,
    `${row.seconds} s`,
    row.chain.map(({ step, seconds }) => `${step} ${seconds}`).join(" + "),
  ]);
  const caption = "Seconds from the fault to the standby's first token";
  return sectionOf("failover", "Failover", tableOf(caption, ["Fault", "Seconds", "Made of"], rows));
}

function rejectedSection({ rejected }: ServingPlan): string {
  if (rejected.length === 0) return "";
  const rows = rejected.map(({ layout, reasons }) => [layout.name, reasons.join("; ")]);
  const table = tableOf("Layouts that cannot run, nearest to running first", ["Layout", "Why not"], rows);
  return sectionOf("rejected", "Rejected layouts", detailsOf(`All ${rejected.length} with their reasons`, table));
}
