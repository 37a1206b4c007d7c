import { definition, definitionName } from "../definition.ts";
import type { Manifest } from "../manifest.ts";
import { MODEL_SERVICE } from "./resource.ts";
import { specSchema } from "./spec-schema.ts";
import { statusSchema } from "./status-schema.ts";

const KIND = { ...MODEL_SERVICE, plural: "modelservices" };
/** Name of the definition. */
export const MODEL_SERVICES = definitionName(KIND);

const conditionColumn = (column: string, condition: string) => ({
  name: column,
  type: "string",
  jsonPath: `.status.conditions[?(@.type=="${condition}")].status`,
});

/** The definition of ModelService. */
export function modelServiceDefinition(): Manifest {
  return definition({
    ...KIND,
    singular: "modelservice",
    shortNames: ["ms"],
    columns: [
      { name: "Model", type: "string", jsonPath: ".spec.model" },
      { name: "Active", type: "string", jsonPath: ".status.active" },
      { name: "Standby", type: "string", jsonPath: ".status.standby" },
      { name: "Epoch", type: "integer", jsonPath: ".status.epoch" },
      conditionColumn("Serving", "Serving"),
      conditionColumn("Takeover", "TakeoverReady"),
      { name: "Redundancy", type: "string", jsonPath: ".status.redundancy" },
      { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
      // Only with `-o wide`.
      { ...conditionColumn("Paused", "Paused"), priority: 1 },
      { name: "Decision", type: "string", jsonPath: ".status.decision.reason", priority: 1 },
    ],
    fields: { spec: specSchema, status: statusSchema },
    optional: ["status"],
    description: "One model on groups of GPU servers, of which one serves and the others can take over.",
  });
}
