import { usualLayouts } from "../plan/layouts/usual.ts";
import type { Layout, RejectedLayout, ServingPlan } from "../plan/serving-plan.ts";
import { thousands } from "../plan/thousands.ts";
import { barParts, memoryBar } from "./memory-bar.ts";
import { type Paint, plainPaint } from "./paint.ts";
import { planGroups } from "./plan-groups.ts";
import { wrap } from "./wrap.ts";

const SHOWN_REJECTIONS = 3;
const SHOWN_ALTERNATIVES = 5;

/**
 * A plan as a person reads it before anything is touched, at most 80 columns: servers, groups, ranks, the memory of a
 * GPU, the layout and why, what else would run, what would not and why. `warnings` are all of spec and plan.
 */
export function planText(plan: ServingPlan, warnings: readonly string[], paint: Paint = plainPaint): string {
  const sections = [
    headline(plan, paint),
    planGroups(plan, paint),
    layoutSection(plan, paint),
    memorySection(plan, paint),
    rejectedSection(plan, paint),
    budgetSection(plan, paint),
    warningSection(warnings, paint),
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n")}\n`;
}

function headline({ name, model, image, groups, serversPerGroup, spec }: ServingPlan, paint: Paint): string[] {
  const count = Object.keys(groups).length;
  const servers = `${serversPerGroup} ${serversPerGroup === 1 ? "server" : "servers"}`;
  const title = `${name}: ${model.preset} on ${count} ${count === 1 ? "group" : "groups"} of ${servers}`;
  const [tag = image] = image.split("@");
  return [
    ...wrap(title).map((line) => paint("heading", line)),
    ...wrap(`served as ${model.servedName} by ${tag}, up to ${number(model.contextLength)} tokens a request`),
    ...wrap(`standby ${spec.failover.standby}, failover ${spec.failover.mode}`),
  ];
}

function layoutSection({ layout, why, alternatives, serversPerGroup, spec }: ServingPlan, paint: Paint): string[] {
  const others = usualLayouts(
    alternatives.map(({ layout, kvTokens }) => ({ ...layout, kvTokens })),
    serversPerGroup,
    spec.engine.redundantExperts,
  );
  const shown = others.slice(0, SHOWN_ALTERNATIVES).map(({ name, kvTokens }) => `${name} (${number(kvTokens)})`);
  const more = alternatives.length - shown.length;
  const rest = more > 0 ? `; ${more} more with --output json` : "";
  return [
    paint("heading", `LAYOUT ${layout.name}`),
    ...wrap(sizes(layout), "  is    "),
    ...wrap(why, "  why   "),
    ...(shown.length > 0 ? wrap(`${shown.join(", ")} tokens of KV cache${rest}`, "  also  ") : []),
  ];
}

/** The sizes of a layout in words: `tensor parallel 16, attention over 2 data-parallel ranks`. */
export function sizes(layout: Layout): string {
  const parts = [`tensor parallel ${layout.tensorParallel}`];
  if (layout.pipelineParallel > 1) parts.push(`${layout.pipelineParallel} pipeline stages`);
  if (layout.dataParallel > 1) parts.push(`attention over ${layout.dataParallel} data-parallel ranks`);
  if (layout.expertParallel > 1) parts.push(`experts over ${layout.expertParallel} ranks`);
  if (layout.redundantExperts > 0) parts.push(`${layout.redundantExperts} redundant experts`);
  return parts.join(", ");
}

function memorySection(plan: ServingPlan, paint: Paint): string[] {
  const { memory, layout, model } = plan;
  const parts = barParts(memory);
  const gpus = layout.tensorParallel * layout.pipelineParallel;
  const legend = parts.map(({ mark, name, gib }) => `${mark} ${name} ${gib.toFixed(1)}`).join("  ");
  const perRank = Math.floor(memory.kvTokens / layout.dataParallel);
  const atOnce = Math.floor(perRank / model.contextLength) * layout.dataParallel;
  const stage = layout.pipelineParallel > 1 ? ", of the fullest stage" : "";
  const inRanks = layout.dataParallel > 1 ? `, ${number(perRank)} on each of ${layout.dataParallel} ranks` : "";
  return [
    paint("heading", `MEMORY of each of the ${gpus} GPUs of a group${stage}: ${memory.gpuGiB.toFixed(1)} GiB`),
    `  [${memoryBar(parts)}]`,
    ...wrap(legend, "  "),
    ...wrap(
      `KV cache of a group: ${number(memory.kvTokens)} tokens of ${number(memory.kvBytesPerToken)} bytes${inRanks}; ${number(atOnce)} ${atOnce === 1 ? "request" : "requests"} of ${number(model.contextLength)} tokens at once, or many short ones (--mem-fraction-static ${memory.memFractionStatic})`,
      "  ",
    ),
  ];
}

function rejectedSection({ rejected }: ServingPlan, paint: Paint): string[] {
  if (rejected.length === 0) return [];
  const shown = differentKinds(rejected).slice(0, SHOWN_REJECTIONS);
  const all = rejected.length > shown.length ? `, ${shown.length} of ${rejected.length}; all with --output json` : "";
  return [
    paint("heading", `REJECTED${all}`),
    ...shown.flatMap(({ layout, reasons }) => [
      `  ${paint("name", layout.name)}`,
      ...reasons.flatMap((reason) => wrap(reason, "    - ")),
    ]),
  ];
}

/** The nearest to running of each kind first: three sisters of one layout would say the same thing three times. */
function differentKinds(rejected: readonly RejectedLayout[]): RejectedLayout[] {
  const first = new Map<string, RejectedLayout>();
  for (const one of rejected) {
    const { tensorParallel, pipelineParallel, redundantExperts } = one.layout;
    const kind = `${tensorParallel * pipelineParallel} GPUs, ${redundantExperts} redundant`;
    if (!first.has(kind)) first.set(kind, one);
  }
  const shown = new Set(first.values());
  return [...shown, ...rejected.filter((one) => !shown.has(one))];
}

function budgetSection({ budget }: ServingPlan, paint: Paint): string[] {
  if (budget.length === 0) return [];
  return [
    paint("heading", "FAILOVER, seconds from the fault to the standby's first token"),
    ...budget.flatMap((row) => {
      const chain = row.chain.map(({ step, seconds }) => `${step} ${seconds}`).join(" + ");
      return wrap(`${row.class}: ${row.seconds} = ${chain}`, "  ", "    ");
    }),
  ];
}

function warningSection(warnings: readonly string[], paint: Paint): string[] {
  if (warnings.length === 0) return [];
  return [paint("warning", `WARNINGS ${warnings.length}`), ...warnings.flatMap((text) => wrap(text, "  ! "))];
}

const number = thousands;
