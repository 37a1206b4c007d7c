import { SGLANG_VERSION } from "../plan/flags/catalogue.ts";
import { FLAG_RULES } from "../plan/flags/rules.ts";
import { SGLANG_RULES, type SglangRule } from "../plan/flags/sglang-rules.ts";
import { candidateLayouts } from "../plan/layouts/enumerate.ts";
import { fleetOf } from "../plan/layouts/fleet.ts";
import { judgeLayout } from "../plan/layouts/judge.ts";
import { LAYOUT_RULES } from "../plan/layouts/rules.ts";
import type { ClusterSpec } from "../spec/schema.ts";
import { type Explanation, explanation } from "./explanation.ts";

/** Every rule that `explain` knows, those that the plan applies first. */
export const RULE_IDS: readonly string[] = [
  ...new Set([...LAYOUT_RULES.map(({ id }) => id), ...FLAG_RULES.map(({ id }) => id), ...Object.keys(SGLANG_RULES)]),
];

/** `tandem explain heads_divisible [--spec SPEC]`: what a rule says, what happens otherwise, and where that is written. */
export function explainRule(id: string, spec?: ClusterSpec): Explanation | undefined {
  const layoutRule = LAYOUT_RULES.find((rule) => rule.id === id);
  const flagRule = FLAG_RULES.find((rule) => rule.id === id);
  const sglang = Object.hasOwn(SGLANG_RULES, id) ? SGLANG_RULES[id] : undefined;
  if (layoutRule === undefined && flagRule === undefined && sglang === undefined) return undefined;
  const applied =
    layoutRule !== undefined
      ? "the plan checks every layout against it"
      : flagRule !== undefined
        ? `the plan checks ${flagRule.flag} in engine.extraArgs against it`
        : "the plan writes no command line that meets it; extra flags that would are refused or belong to the plan";
  const broken = layoutRule === undefined || spec === undefined ? undefined : brokenHere(id, spec);
  const source = sglang?.where ?? layoutRule?.where;
  return explanation(
    `RULE ${id}`,
    {
      means: layoutRule?.means ?? flagRule?.means,
      sglang: sglang === undefined ? undefined : sglangSays(sglang),
      note: sglang?.note,
      here: [applied, ...(broken ?? [])],
      source:
        source === undefined || source === "-" ? `SGLang ${SGLANG_VERSION}` : `SGLang ${SGLANG_VERSION}: ${source}`,
    },
    {
      kind: "rule",
      rule: id,
      means: layoutRule?.means ?? flagRule?.means ?? null,
      sglang: sglang ?? null,
      applied,
      broken: broken ?? null,
      version: SGLANG_VERSION,
    },
  );
}

function sglangSays({ when, action, to, requires, checked }: SglangRule): string {
  const then = { reject: "it refuses to start", override: "it changes the arguments", runtime: "it fails later" }[
    action
  ];
  const more = [to && `to ${to}`, requires && `requires ${requires}`].filter(Boolean).join("; ");
  const seen = checked === "arguments" ? "while it reads them" : checked === "start" ? "at the start" : "nowhere";
  return `when ${when}: ${then ?? action}${more === "" ? "" : ` (${more})`}; seen ${seen}`;
}

function brokenHere(id: string, spec: ClusterSpec): string[] {
  const fleet = fleetOf(spec);
  const broken = candidateLayouts(fleet, spec.engine.redundantExperts).flatMap((layout) => {
    const reason = judgeLayout(spec, fleet, layout).reasons.find((text) => text.endsWith(` [${id}]`));
    return reason === undefined ? [] : [`${layout.name}: ${reason}`];
  });
  if (broken.length === 0) return [`no layout of ${spec.name} breaks it`];
  return [`${broken.length} layouts of ${spec.name} break it, e.g.`, ...broken.slice(0, 3)];
}
