import { SCENARIOS } from "../../drill/scenarios/catalogue.ts";
import { drillRows } from "../../report/drill-rows.ts";
import { table } from "../../report/table.ts";
import { type OutputFormat, printData } from "../output.ts";

/** Drills and failovers that the cluster of a stack has on record, the latest last. */
export async function listRecords(stack: string, output: OutputFormat): Promise<void> {
  const { readDrills, rowOf } = await import("./cluster-records.ts");
  const rows = (await readDrills(stack)).map(rowOf);
  if (output !== "text") return printData(rows, output);
  process.stdout.write(rows.length === 0 ? "no drill and no failover is on record\n" : `${drillRows(rows)}\n`);
}

/** Every scenario: what happens, where it can run; `asks` is one that takes something of a cluster out of service. */
export async function listDrills(output: OutputFormat): Promise<void> {
  if (output !== "text") {
    const data = SCENARIOS.map(({ name, summary, blastRadius, destructive, outcome, budgets, arenas }) => {
      return { name, summary, blastRadius, destructive, outcome, budgets, arenas };
    });
    return printData(data, output);
  }
  const rows = SCENARIOS.map(({ name, arenas, destructive, summary }) => [
    name,
    arenas.includes("rehearsal") ? "yes" : "",
    arenas.includes("cluster") ? (destructive ? "asks" : "yes") : "",
    summary,
  ]);
  process.stdout.write(`${table([["SCENARIO", "HERE", "CLUSTER", "WHAT HAPPENS"], ...rows], "").join("\n")}\n`);
}
