import type { DrillReport } from "./drill.ts";

const asText = (text: string) => text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);

/** Drills as a JUnit file, which every CI shows: one case a drill. */
export function drillJunit(reports: readonly DrillReport[]): string {
  const failed = reports.filter(({ passed }) => !passed).length;
  const total = reports.reduce((sum, { seconds }) => sum + seconds, 0);
  const cases = reports.map(({ scenario, stack, seconds, failures }) => {
    const head = `  <testcase name="${asText(scenario)}" classname="drill.${asText(stack)}" time="${seconds.toFixed(3)}"`;
    if (failures.length === 0) return `${head}/>`;
    return `${head}>\n    <failure message="${asText(failures[0] ?? "")}">${asText(failures.join("\n"))}</failure>\n  </testcase>`;
  });
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuite name="tandem drill" tests="${reports.length}" failures="${failed}" time="${total.toFixed(3)}">`,
    ...cases,
    "</testsuite>",
    "",
  ].join("\n");
}
