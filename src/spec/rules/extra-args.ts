import owned from "../data/owned-flags.json" with { type: "json" };
import type { Draft } from "../draft.ts";
import { type Problem, problem } from "../problem.ts";
import { itemsOf } from "./read.ts";

const OWNERS: Readonly<Record<string, string>> = owned.flags;
const SECRETS: readonly string[] = owned.secrets;

/** Extra flags must not fight with a field: argparse lets the last one win, and the plan would be about another engine. */
export function extraArgsRules({ engine }: Draft): Problem[] {
  return itemsOf(engine?.extraArgs).flatMap(({ item, index }) => {
    const path = ["engine", "extraArgs", index];
    const flag = item.split("=")[0] ?? item;
    if (SECRETS.includes(flag)) {
      return [
        problem("E_SPEC_SECRET", path, {
          what: `engine.extraArgs holds ${flag}`,
          why: "a command line is visible in /proc, in the pod and in this file",
          fix: "remove it; keys come from a Secret that `up` creates, never from the spec",
        }),
      ];
    }
    const owner = Object.hasOwn(OWNERS, flag) ? OWNERS[flag] : undefined;
    if (owner === undefined) return [];
    return [
      problem("E_SPEC_FLAG_OWNED", path, {
        what: `engine.extraArgs sets ${flag}`,
        why: `${owner} sets it, and SGLang takes the last one that it sees: memory and layout would differ from the plan`,
        fix: /^[a-z]+(\.[a-zA-Z]+)+$/.test(owner) ? `set ${owner} instead` : "remove it",
      }),
    ];
  });
}
