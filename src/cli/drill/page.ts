import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { readReport, readReports } from "../../drill/record/read-record.ts";
import { drillPage } from "../../report/html/drill-page.ts";

/** Writes the page of one record, with the earlier drills beside it as its trend; returns its path. */
export async function writePage(folder: string, file = join(folder, "report.html")): Promise<string> {
  const report = await readReport(folder);
  const all = await readReports(dirname(folder));
  const past = all
    .map((one) => one.report)
    .filter(
      ({ scenario, arena, startedAt }) =>
        scenario === report.scenario && arena === report.arena && startedAt < report.startedAt,
    );
  await writeFile(file, drillPage(report, past));
  return file;
}
