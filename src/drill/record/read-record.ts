import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { TandemError } from "../../errors.ts";
import type { ChooseTiming } from "../../failover/choose/timing.ts";
import type { GatewayView } from "../../failover/choose/view.ts";
import type { Choice } from "../../failover/choose.ts";
import type { DrillReport } from "../../report/drill.ts";
import type { RecordedPass } from "./replay-passes.ts";

/** The choices of a gateway in one record, with all that they were made on. */
export interface RecordedChoices {
  timing: ChooseTiming;
  decisions: { wallMs: number; changed: boolean; view: GatewayView; choice: Choice }[];
}

/** @throws TandemError E_RECORD for a folder that is none, or of another format */
export async function readReport(folder: string): Promise<DrillReport> {
  const report = JSON.parse(await text(folder, "report.json")) as DrillReport;
  if (report.format === 1) return report;
  throw wrong(folder, `its format is ${report.format}, and this version reads 1`);
}

/** @throws TandemError E_RECORD for a folder without recorded choices */
export async function readChoices(folder: string): Promise<RecordedChoices> {
  const [head = "", ...rest] = (await text(folder, "decisions.jsonl")).split("\n").filter((line) => line !== "");
  try {
    const { timing } = JSON.parse(head) as { timing: ChooseTiming };
    return { timing, decisions: rest.map((line) => JSON.parse(line)) };
  } catch (error) {
    throw wrong(folder, `decisions.jsonl: ${(error as Error).message}`);
  }
}

/** Decisions of the reconciler; none in a record of a rehearsal, or of a cluster whose reconciler was away. */
export async function readPasses(folder: string): Promise<RecordedPass[]> {
  const lines = await readFile(join(folder, "reconciler.jsonl"), "utf8").catch(() => "");
  try {
    return lines
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as RecordedPass);
  } catch (error) {
    throw wrong(folder, `reconciler.jsonl: ${(error as Error).message}`);
  }
}

/** Reports of all records under a folder, the oldest first; what is no record is passed by. */
export async function readReports(parent: string): Promise<{ folder: string; report: DrillReport }[]> {
  const names = await readdir(parent).catch(() => [] as string[]);
  const read = await Promise.all(
    names.map(async (name) => {
      const folder = join(parent, name);
      const report = await readReport(folder).catch(() => null);
      return report === null ? [] : [{ folder, report }];
    }),
  );
  return read.flat().toSorted((a, b) => a.report.startedAt.localeCompare(b.report.startedAt));
}

async function text(folder: string, name: string): Promise<string> {
  return readFile(join(folder, name), "utf8").catch(() => {
    throw wrong(folder, `it has no ${name}`);
  });
}

function wrong(folder: string, why: string): TandemError {
  return new TandemError({
    code: "E_RECORD",
    what: `${folder} is no record of a drill or a failover`,
    why,
    fix: "name a folder that `tandem drill run` or `tandem rehearse` has written; `tandem drill report` lists them",
  });
}
