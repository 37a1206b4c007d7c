import type { DrillReport, ScenarioName } from "./drill.ts";

export interface DueDrill {
  scenario: ScenarioName;
  /** ISO 8601; null if it never passed. */
  lastPassed: string | null;
  isDue: boolean;
}

const DAY_MS = 86_400_000;

/** Which drills have not passed for `everyDays`, in the order of the scenarios. */
export function dueDrills(
  scenarios: readonly { name: ScenarioName }[],
  reports: readonly DrillReport[],
  nowMs: number,
  everyDays: number,
): DueDrill[] {
  return scenarios.map(({ name }) => {
    const passed = reports.filter(({ scenario, passed: did }) => did && scenario === name);
    const lastPassed =
      passed
        .map(({ startedAt }) => startedAt)
        .toSorted()
        .at(-1) ?? null;
    const isDue = lastPassed === null || nowMs - Date.parse(lastPassed) > everyDays * DAY_MS;
    return { scenario: name, lastPassed, isDue };
  });
}
