import type { ChooseTiming } from "../../failover/choose/timing.ts";
import { type Choice, choose } from "../../failover/choose.ts";
import type { RecordedChoices } from "./read-record.ts";

/** One recorded choice that comes out differently now. */
export interface Difference {
  wallMs: number;
  was: string;
  is: string;
}

export interface Replay {
  choices: number;
  differences: Difference[];
}

/**
 * Makes every recorded choice again, by today's code and with `timing` instead of the recorded thresholds where it says
 * so. The same choice is the same outcome, the same reason and the same word on every group.
 */
export function replay(recorded: RecordedChoices, timing: Partial<ChooseTiming> = {}): Replay {
  const used = { ...recorded.timing, ...timing };
  const differences = recorded.decisions.flatMap(({ wallMs, view, choice }) => {
    // As it would have been written: a record knows no undefined.
    const now = JSON.parse(JSON.stringify(choose(view, used))) as Choice;
    return isSame(now, choice) ? [] : [{ wallMs, was: inWords(choice), is: inWords(now) }];
  });
  return { choices: recorded.decisions.length, differences };
}

/** Whether two decisions are one: the order of keys is no difference. */
export function isSame(one: object, other: object): boolean {
  return JSON.stringify(sorted(one)) === JSON.stringify(sorted(other));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}

function inWords(choice: Choice): string {
  const asks = choice.canaries.length === 0 ? "" : `, asks ${choice.canaries.join(" and ")}`;
  return `${choice.kind === "use" ? `use ${choice.group}` : choice.kind}: ${choice.reason}${asks}`;
}
