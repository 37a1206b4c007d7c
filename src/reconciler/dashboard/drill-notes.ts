import { z } from "zod";
import type { KubeClient } from "../../kube/client.ts";
import { KEEP_DRILLS } from "../../manifests/drill/resource.ts";
import type { DrillNote } from "../../report/dashboard/sources.ts";

/** As `kubectl get` asks: the columns, without records of half a megabyte each. A server that makes no tables sends the objects. */
const AS_TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
const TIMEOUT_MS = 5_000;

const Meta = z.looseObject({ name: z.string(), creationTimestamp: z.string().optional() });
const Table = z.looseObject({
  kind: z.literal("Table"),
  columnDefinitions: z.array(z.looseObject({ name: z.string() })),
  rows: z.array(z.looseObject({ cells: z.array(z.unknown()), object: z.looseObject({ metadata: Meta }) })),
});
const Objects = z.looseObject({
  items: z.array(
    z.looseObject({
      metadata: Meta,
      spec: z.looseObject({
        scenario: z.string(),
        victim: z.string().optional(),
        by: z.string(),
        startedAt: z.string(),
      }),
      status: z.looseObject({ result: z.string(), gapSeconds: z.number().optional() }).optional(),
    }),
  ),
});

/** The last drills and failovers that left a record, newest first. */
export async function readDrillNotes(client: KubeClient, path: string, labelSelector: string): Promise<DrillNote[]> {
  const answer = await client.json<unknown>({
    method: "GET",
    path,
    query: { labelSelector },
    accept: AS_TABLE,
    timeoutMs: TIMEOUT_MS,
  });
  return drillNotesOf(answer);
}

/** Read out of either form of an answer. Pure. */
export function drillNotesOf(answer: unknown): DrillNote[] {
  const table = Table.safeParse(answer);
  const notes = table.success
    ? table.data.rows.map((row) => noteOfRow(row, table.data.columnDefinitions))
    : fromObjects(answer);
  // A name begins with the time of the start.
  return notes.toSorted((a, b) => (a.name < b.name ? 1 : -1)).slice(0, KEEP_DRILLS);
}

type Row = z.infer<typeof Table>["rows"][number];

function noteOfRow({ cells, object: { metadata } }: Row, columns: readonly { name: string }[]): DrillNote {
  const cell = (name: string) => {
    const value = cells[columns.findIndex((column) => column.name === name)];
    return value === undefined || value === null || value === "" ? null : value;
  };
  const text = (name: string) => (cell(name) === null ? null : String(cell(name)));
  const gap = cell("Gap");
  return {
    name: metadata.name,
    scenario: text("Scenario") ?? "",
    victim: text("Hit"),
    by: text("By") ?? "",
    startedAt: startOf(metadata.name) ?? metadata.creationTimestamp ?? "",
    result: text("Result"),
    gapSeconds: gap === null || Number.isNaN(Number(gap)) ? null : Number(gap),
  };
}

function fromObjects(answer: unknown): DrillNote[] {
  return Objects.parse(answer).items.map(({ metadata, spec, status }) => ({
    name: metadata.name,
    scenario: spec.scenario,
    victim: spec.victim ?? null,
    by: spec.by,
    startedAt: spec.startedAt,
    result: status?.result ?? null,
    gapSeconds: status?.gapSeconds ?? null,
  }));
}

/** `2026-11-28t04-10-00z-server-power` as ISO 8601; tables have ages, which are too coarse. */
function startOf(name: string): string | null {
  const [, day, hour, minute, second] = /^(\d{4}-\d\d-\d\d)t(\d\d)-(\d\d)-(\d\d)z/.exec(name) ?? [];
  return day === undefined ? null : `${day}T${hour}:${minute}:${second}.000Z`;
}
