import { stat } from "node:fs/promises";
import { join } from "node:path";
import { readReport, readReports } from "../../drill/record/read-record.ts";
import { recordsDir } from "../../drill/record/record-folder.ts";
import { TandemError } from "../../errors.ts";
import { drillSummary, drillTable } from "../../report/drill-text.ts";
import { type OutputFormat, printData } from "../output.ts";
import { writePage } from "./page.ts";

export interface ReportOptions {
  stack: string;
  html?: string;
  output: OutputFormat;
}

/** `tandem drill report [FOLDER]`: one record, or all of a stack. */
export async function reportDrills(folder: string | undefined, { stack, html, output }: ReportOptions): Promise<void> {
  const parent = folder ?? recordsDir(stack);
  const isRecord = await stat(join(parent, "report.json")).then(
    () => true,
    () => false,
  );
  if (isRecord) {
    const report = await readReport(parent);
    const page = await writePage(parent, html);
    if (output !== "text") return printData(report, output);
    process.stdout.write(`${drillTable([report])}\n\n${drillSummary(report)}\nreport: ${page}\n`);
    return;
  }
  const all = await readReports(parent);
  const latest = all.at(-1);
  if (latest === undefined)
    throw new TandemError({
      code: "E_NO_RECORDS",
      what: `there are no records in ${parent}`,
      why: "no drill and no rehearsal has been run yet",
      fix: "run `tandem drill run server-power`, which needs neither root nor a cluster",
    });
  const page = await writePage(latest.folder, html);
  if (output !== "text")
    return printData(
      all.map(({ report }) => report),
      output,
    );
  process.stdout.write(`${drillTable(all.map(({ report }) => report))}\n\nreport of the last one: ${page}\n`);
}
