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
  const parent = await placeOf(folder, stack);
  const isRecord = await isThere(join(parent, "report.json"));
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

/** A folder as it is named, or that of a record which only the cluster has: it is fetched then. */
async function placeOf(folder: string | undefined, stack: string): Promise<string> {
  if (folder === undefined || folder.includes("/") || (await isThere(folder))) return folder ?? recordsDir(stack);
  const { fetchRecord, readDrills } = await import("./cluster-records.ts");
  const found = (await readDrills(stack)).find(({ metadata }) => metadata.name === folder);
  if (found !== undefined) return fetchRecord(stack, found);
  throw new TandemError({
    code: "E_NO_RECORDS",
    what: `there is no record ${folder}`,
    why: `neither a folder of this name nor a drill of stack ${stack} is there`,
    fix: `name one of \`tandem drill list --stack ${stack}\``,
  });
}

function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
