import { z } from "zod";
import type { AnyResourceType } from "./resource-type.ts";

/** The package schema that `pulumi package get-schema` prints: the inputs and outputs of every resource type. */
export function packageSchema(version: string, types: readonly AnyResourceType[]): string {
  const resources = Object.fromEntries(types.map((type) => [type.token, resourceSchema(type)]));
  return JSON.stringify({ name: "tandem", version, description: "Servers, nodes and objects of Tandem.", resources });
}

function resourceSchema(type: AnyResourceType): object {
  const schema = z.toJSONSchema(type.inputs, { unrepresentable: "any", io: "input" });
  const inputs = Object.fromEntries(
    Object.entries(schema.properties ?? {}).map(([name, property]) => [
      name,
      {
        ...typeOf(property),
        ...(type.secrets.includes(name) ? { secret: true } : {}),
        ...(type.replaceOn.includes(name) ? { willReplaceOnChanges: true } : {}),
      },
    ]),
  );
  const computed = Object.fromEntries(
    Object.entries(type.outputs).map(([name, description]) => [
      name,
      { $ref: "pulumi.json#/Any", description, ...(type.secrets.includes(name) ? { secret: true } : {}) },
    ]),
  );
  return {
    inputProperties: inputs,
    requiredInputs: schema.required ?? [],
    properties: { ...inputs, ...computed },
    required: [...(schema.required ?? []), ...Object.keys(type.outputs)],
  };
}

function typeOf(property: unknown): object {
  const { type, description } = property as { type?: string; description?: string };
  const known = type === "string" || type === "boolean" || type === "integer" || type === "number";
  return { ...(known ? { type } : { $ref: "pulumi.json#/Any" }), ...(description ? { description } : {}) };
}
