import { canonicalFlag, FLAGS, type Flag, REMOVED_FLAGS, SGLANG_VERSION } from "../plan/flags/catalogue.ts";
import { FLAG_MEANINGS } from "../plan/flags/meanings.ts";
import { OWNED_FLAGS, REFUSED_FLAGS } from "../plan/flags/owned.ts";
import { FLAG_RULES } from "../plan/flags/rules.ts";
import { planServing } from "../plan/plan-serving.ts";
import type { ClusterSpec } from "../spec/schema.ts";
import { type Explanation, explanation } from "./explanation.ts";

/** `tandem explain --ep-size [--spec SPEC]`: what a flag of SGLang is, who decides it here, and its value in a stack. */
export function explainFlag(spelling: string, spec?: ClusterSpec): Explanation | undefined {
  if (Object.hasOwn(REMOVED_FLAGS, spelling)) return removed(spelling, REMOVED_FLAGS[spelling] ?? null);
  const name = canonicalFlag(spelling);
  const flag = name === undefined ? undefined : FLAGS[name];
  if (name === undefined || flag === undefined) return undefined;
  const decides = whoDecides(name, flag);
  const value = spec === undefined ? undefined : valueHere(name, spec);
  const rules = FLAG_RULES.filter((rule) => rule.flag === name).map(({ id }) => id);
  const aliases = flag.aliases ?? [];
  return explanation(
    `${name}, a flag of SGLang ${SGLANG_VERSION}`,
    {
      means: FLAG_MEANINGS[name],
      takes: takes(flag),
      default: flag.default === undefined ? undefined : JSON.stringify(flag.default),
      also: aliases.length > 0 ? `spelled ${aliases.join(", ")}` : undefined,
      old: flag.deprecated === undefined ? undefined : `deprecated; write ${flag.deprecated}`,
      here: [decides, ...(value === undefined ? [] : [value])],
      rules: rules.length > 0 ? `${rules.join(", ")}: see \`tandem explain ${rules[0]}\`` : undefined,
      source: `the argument parser of sglang ${SGLANG_VERSION}, section ${flag.section}`,
    },
    {
      kind: "flag",
      flag: name,
      ...flag,
      means: FLAG_MEANINGS[name] ?? null,
      decides,
      value: value ?? null,
      rules,
      version: SGLANG_VERSION,
    },
  );
}

function removed(flag: string, replacement: string | null): Explanation {
  const instead = replacement === null ? "nothing replaced it: take it out" : `write ${replacement}`;
  return explanation(
    `${flag}, gone from SGLang ${SGLANG_VERSION}`,
    {
      means: "Older releases knew it, and recipes on the web still use it. The parser of today refuses it.",
      instead,
      source: `the argument parsers of older releases and of sglang ${SGLANG_VERSION}, compared`,
    },
    { kind: "flag", flag, removed: true, replacement, version: SGLANG_VERSION },
  );
}

function takes({ type, nargs, choices }: Flag): string {
  if (nargs === 0) return "nothing: it is a switch";
  const several = nargs === "+" ? "one or more of " : nargs === "*" ? "any number of " : "";
  return choices === undefined ? `${several}${type}` : `${several}${choices.join(", ")}`;
}

function whoDecides(name: string, { deprecated }: Flag): string {
  const owned = OWNED_FLAGS[name];
  if (owned !== undefined)
    return "field" in owned
      ? `the plan writes it; ${owned.field} of the spec decides it`
      : `the plan writes it: ${owned.fixed}`;
  const refused = REFUSED_FLAGS[name];
  if (refused !== undefined) return `refused in engine.extraArgs: ${refused}`;
  if (deprecated !== undefined) return "refused in engine.extraArgs, because it is deprecated";
  return "the plan does not write it, so SGLang's default applies; engine.extraArgs may set it";
}

function valueHere(name: string, spec: ClusterSpec): string {
  const planned = planServing(spec);
  if (!planned.ok) return `${spec.name} has no plan: ${planned.problems.map(({ what }) => what).join("; ")}`;
  const { args } = planned.plan.launch.leader;
  const at = args.findIndex((word) => word.split("=")[0] === name);
  if (at < 0) return `not in the command line of ${spec.name} (layout ${planned.plan.layout.name})`;
  const next = args[at + 1] ?? "";
  const value = FLAGS[name]?.nargs === 0 || args[at]?.includes("=") || next.startsWith("--") ? [] : [next];
  return `in ${spec.name}: ${[args[at], ...value].join(" ")} (layout ${planned.plan.layout.name})`;
}
