import { z } from "zod";
import { ClusterSpecSchema } from "./schema.ts";

/**
 * The JSON Schema (draft 7, which editors' YAML servers read) of a spec as a person writes it. The reason of each default
 * stands in the description, where an editor shows it, and alone under `x-reason`.
 */
export function specJsonSchema(): object {
  return z.toJSONSchema(ClusterSpecSchema, {
    io: "input",
    target: "draft-7",
    override: ({ jsonSchema }) => {
      // Not a format that JSON Schema knows; the pattern says it.
      if (jsonSchema.format === "cidrv4") delete jsonSchema.format;
      const { reason, description } = jsonSchema as { reason?: string; description?: string };
      if (reason === undefined) return;
      delete jsonSchema.reason;
      jsonSchema["x-reason"] = reason;
      jsonSchema.description = `${description} Default ${JSON.stringify(jsonSchema.default)}: ${reason}.`;
    },
  });
}
