import { readReports } from "../../drill/record/read-record.ts";
import { recordsDir } from "../../drill/record/record-folder.ts";
import { SCENARIOS } from "../../drill/scenarios/catalogue.ts";
import { dueDrills } from "../../report/drill-due.ts";
import { table } from "../../report/table.ts";
import { EXIT, Exit } from "../exit.ts";
import { type OutputFormat, printData } from "../output.ts";

export interface ScheduleOptions {
  stack: string;
  /** Days. */
  every: number;
  output: OutputFormat;
}

/** `tandem drill schedule`: when each drill passed last, which are due, and the lines that have them run by themselves. */
export async function showSchedule({ stack, every, output }: ScheduleOptions): Promise<void> {
  const reports = (await readReports(recordsDir(stack))).map(({ report }) => report);
  const due = dueDrills(SCENARIOS, reports, Date.now(), every);
  if (output !== "text") await printData(due, output);
  else {
    const rows = due.map(({ scenario, lastPassed, isDue }) => [
      scenario,
      lastPassed?.slice(0, 16).replace("T", " ") ?? "never",
      isDue ? "due" : "",
    ]);
    process.stdout.write(
      `${table([["SCENARIO", "LAST PASSED (UTC)", ""], ...rows], "").join("\n")}\n\n${cronText(stack)}`,
    );
  }
  if (due.some(({ isDue }) => isDue)) throw new Exit(EXIT.failed);
}

function cronText(stack: string): string {
  return (
    `Every Sunday at four, by cron (crontab -e):\n` +
    `  0 4 * * 0  tandem drill run switchover --stack ${stack} --yes --junit /var/log/tandem-drill.xml\n` +
    `Once a month a server for real:\n` +
    `  0 5 1 * *  tandem drill run server-power --stack ${stack} --destructive --yes\n`
  );
}
