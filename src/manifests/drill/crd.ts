import { definition, definitionName } from "../definition.ts";
import type { Manifest } from "../manifest.ts";
import { name, object, oneOf, type Schema, text, time } from "../model-service/fields.ts";
import { DRILL, DRILL_KINDS, DRILL_RESULTS, MAX_RECORD_CHARS } from "./resource.ts";

const KIND = { ...DRILL, plural: "drills" };
/** Name of the definition. */
export const DRILLS = definitionName(KIND);
/** The report as text, its longest part a timeline of sentences. */
const MAX_SUMMARY_CHARS = 100_000;

const part: Schema = { type: "string", maxLength: MAX_RECORD_CHARS, format: "byte" };
const spec = object(
  {
    service: name,
    kind: oneOf(DRILL_KINDS),
    scenario: name,
    victim: name,
    by: text(200),
    startedAt: time,
    until: time,
  },
  ["victim"],
);
const status = object(
  {
    result: oneOf(DRILL_RESULTS),
    gapSeconds: { type: "number", minimum: 0 },
    summary: text(MAX_SUMMARY_CHARS),
    endedAt: time,
  },
  ["gapSeconds"],
);

const column = (title: string, jsonPath: string, type = "string") => ({ name: title, type, jsonPath });

/** The definition of Drill. */
export function drillDefinition(): Manifest {
  return definition({
    ...KIND,
    singular: "drill",
    columns: [
      column("Scenario", ".spec.scenario"),
      column("Hit", ".spec.victim"),
      column("Result", ".status.result"),
      column("Gap", ".status.gapSeconds", "number"),
      column("Age", ".spec.startedAt", "date"),
      { ...column("By", ".spec.by"), priority: 1 },
    ],
    fields: {
      spec,
      status,
      record: object({ evidence: part, gateway: part, reconciler: part }, ["evidence", "gateway", "reconciler"]),
    },
    optional: ["status", "record"],
    description: "A fault that was caused on purpose, or a real failover: what happened, and how it is known.",
  });
}
