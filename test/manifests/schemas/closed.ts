type Tree = Record<string, unknown>;

/**
 * A structural schema of a definition as JSON Schema that refuses what it does not name: the API server drops unknown
 * fields, so that the object would not be what its author meant. CEL rules are left out; a real API server checks those.
 */
export function closed(schema: unknown): Tree {
  const { properties, items, additionalProperties, nullable, format, description: _, ...rest } = schema as Tree;
  const kept = Object.entries(rest).filter(
    ([key]) => !key.startsWith("x-kubernetes-") || key === "x-kubernetes-list-map-keys",
  );
  const out: Tree = Object.fromEntries(kept);
  if (format === "date-time" || format === "byte") out.format = format;
  if (nullable === true) out.type = [rest.type, "null"];
  if (items !== undefined) out.items = closed(items);
  if (additionalProperties !== undefined) out.additionalProperties = closed(additionalProperties);
  if (properties !== undefined) {
    out.properties = Object.fromEntries(Object.entries(properties as Tree).map(([name, one]) => [name, closed(one)]));
    if (rest["x-kubernetes-preserve-unknown-fields"] !== true) out.additionalProperties = false;
  }
  return out;
}
