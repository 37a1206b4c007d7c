import { mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { recordsDir } from "../../drill/record/record-folder.ts";
import type { RecordedPass } from "../../drill/record/replay-passes.ts";
import { writeFiles } from "../../drill/record/write-record.ts";
import { TandemError } from "../../errors.ts";
import { unpackLines } from "../../kube/packed-lines.ts";
import type { Drill } from "../../manifests/drill/resource.ts";
import type { DrillReport } from "../../report/drill.ts";
import type { DrillRow } from "../../report/drill-rows.ts";
import { serviceAccess } from "../service/access.ts";
import { kubeTrouble } from "../service/kube-trouble.ts";

const TIMEOUT_MS = 10_000;

/** Every drill and failover that the cluster of a stack has on record, the oldest first. */
export async function readDrills(stack: string): Promise<Drill[]> {
  const access = await serviceAccess({ stack });
  const path = `/apis/tandem.dev/v1alpha1/namespaces/${access.namespace}/drills`;
  try {
    const { items } = await access.client.json<{ items: Drill[] }>({ method: "GET", path, timeoutMs: TIMEOUT_MS });
    const ours = items.filter(({ spec }) => spec.service === stack);
    return ours.toSorted((a, b) => a.spec.startedAt.localeCompare(b.spec.startedAt));
  } catch (error) {
    throw kubeTrouble(error, access, "see the drills of");
  } finally {
    await access.client.close();
  }
}

export function rowOf({ metadata, spec, status }: Drill): DrillRow {
  const report = reportOf(status?.summary);
  return {
    name: metadata.name,
    startedAt: spec.startedAt,
    scenario: spec.scenario,
    victim: spec.victim ?? null,
    by: spec.by,
    result: status?.result ?? "Running",
    gapSeconds: status?.gapSeconds ?? null,
    why: report?.failures[0] ?? report?.reason ?? "",
  };
}

/**
 * Writes a record of the cluster as a folder beside the others, so that it is read, drawn and replayed as they are. One that is
 * there already stays as it is: whoever ran the drill has more of it than the cluster.
 *
 * @returns the folder
 * @throws TandemError E_RECORD for one that has no report: it was ended early, or has not ended
 */
export async function fetchRecord(stack: string, drill: Drill): Promise<string> {
  const report = reportOf(drill.status?.summary);
  if (report === null)
    throw new TandemError({
      code: "E_RECORD",
      what: `${drill.metadata.name} has no report`,
      why: drill.status === undefined ? "it has not ended" : `it ended as ${drill.status.result}`,
      fix: `tandem drill list --stack ${stack} shows those that have one`,
    });
  const folder = join(recordsDir(stack), report.id);
  const isThere = await stat(join(folder, "report.json")).then(
    () => true,
    () => false,
  );
  if (isThere) return folder;
  const { evidence, gateway, reconciler } = drill.record ?? {};
  const [timing, ...decisions] = gateway === undefined ? [{ timing: {} }] : unpackLines(gateway);
  await mkdir(recordsDir(stack), { recursive: true });
  return writeFiles(folder, {
    "report.json": [report],
    "evidence.jsonl": evidence === undefined ? [] : unpackLines(evidence),
    "decisions.jsonl": [timing, ...decisions],
    "reconciler.jsonl": reconciler === undefined ? [] : unpackLines<RecordedPass>(reconciler),
  });
}

function reportOf(summary: string | undefined): DrillReport | null {
  const parsed = JSON.parse(summary ?? "{}") as Partial<DrillReport>;
  return parsed.format === 1 ? (parsed as DrillReport) : null;
}
