import type { Manifest } from "../manifest.ts";
import { PART_OF } from "../names.ts";
import { object } from "./fields.ts";
import { MODEL_SERVICE } from "./resource.ts";
import { specSchema } from "./spec-schema.ts";
import { statusSchema } from "./status-schema.ts";

const [GROUP = "", VERSION = ""] = MODEL_SERVICE.apiVersion.split("/");
/** Name of the definition. */
export const MODEL_SERVICES = `modelservices.${GROUP}`;

const conditionColumn = (column: string, condition: string) => ({
  name: column,
  type: "string",
  jsonPath: `.status.conditions[?(@.type=="${condition}")].status`,
});

/** The definition of ModelService. Like every definition it belongs to no namespace. */
export function modelServiceDefinition(): Manifest {
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: MODEL_SERVICES, labels: { ...PART_OF } },
    spec: {
      group: GROUP,
      scope: "Namespaced",
      names: {
        kind: MODEL_SERVICE.kind,
        listKind: `${MODEL_SERVICE.kind}List`,
        plural: "modelservices",
        singular: "modelservice",
        shortNames: ["ms"],
        categories: ["tandem"],
      },
      versions: [
        {
          name: VERSION,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: [
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
          schema: {
            openAPIV3Schema: {
              ...object(
                {
                  apiVersion: { type: "string" },
                  kind: { type: "string" },
                  metadata: { type: "object" },
                  spec: specSchema,
                  status: statusSchema,
                },
                ["apiVersion", "kind", "metadata", "status"],
              ),
              description: "One model on groups of GPU servers, of which one serves and the others can take over.",
            },
          },
        },
      ],
    },
  };
}
