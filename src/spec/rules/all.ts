import type { Draft } from "../draft.ts";
import type { Problem } from "../problem.ts";

export interface CheckOptions {
  /** Plan and render may show a stack whose image digest is a marked placeholder; validate and up refuse it. */
  allowPlaceholder?: boolean;
}

/** Every relation between fields, in no special order. Works on what could be understood of a spec. */
export function checkRelations(spec: Draft, options: CheckOptions = {}): Problem[] {
  return RULES.flatMap((rule) => rule(spec, options));
}

const RULES: readonly ((spec: Draft, options: CheckOptions) => Problem[])[] = [];
