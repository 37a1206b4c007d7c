import data from "../data/sglang-rules.json" with { type: "json" };

/** A relation between arguments in SGLang 0.5.23, as read from its source. */
export interface SglangRule {
  when: string;
  /** What SGLang does: reject, override, fail later (runtime), or nothing. */
  action: string;
  to?: string;
  requires?: string;
  note?: string;
  where: string;
  /** When it shows: while the arguments are read, at the start, or nowhere. */
  checked: string;
}

export const SGLANG_RULES: Readonly<Record<string, SglangRule>> = data;
