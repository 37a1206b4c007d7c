import { stringify } from "yaml";
import { z } from "zod";
import type { FieldMeta } from "./fields.ts";
import { type ClusterSpecInput, ClusterSpecSchema } from "./schema.ts";
import { unwrap } from "./schema-at.ts";

const WIDTH = 110;

/**
 * A spec as commented YAML. Every field is explained; one that was not given stands there as `#field: default` with the
 * reason of the default, so that taking the `#` away changes nothing. `schema` is the path of the JSON Schema.
 */
export function scaffoldSpec(spec: ClusterSpecInput, schema: string): string {
  return [
    `# yaml-language-server: $schema=${schema}`,
    "# Lines that begin with `#` and a name are defaults: take the `#` away to change one. Check with `tandem validate`.",
    ...mapLines(ClusterSpecSchema, spec, ""),
    "",
  ].join("\n");
}

function mapLines(schema: z.core.$ZodType, value: object, indent: string): string[] {
  const shape = shapeOf(schema, value);
  return Object.entries(shape).flatMap(([name, field]) => {
    const given = (value as Record<string, unknown>)[name];
    const lines = given === undefined ? absentLines(name, field, indent) : givenLines(name, field, given, indent);
    return indent === "" ? ["", ...lines] : lines;
  });
}

function shapeOf(schema: z.core.$ZodType, value: object): Record<string, z.ZodType> {
  const inner = unwrap(schema);
  if (inner instanceof z.ZodObject) return inner.shape as Record<string, z.ZodType>;
  const option = (inner as z.ZodDiscriminatedUnion).options.find(
    (one) => (one as z.ZodObject).shape.kind?.safeParse((value as { kind?: unknown }).kind).success,
  );
  return (option as z.ZodObject).shape as Record<string, z.ZodType>;
}

function givenLines(name: string, field: z.ZodType, given: unknown, indent: string): string[] {
  const head = comment(metaOf(field).description, indent);
  const inner = unwrap(field);
  if (inner instanceof z.ZodObject || inner instanceof z.ZodDiscriminatedUnion) {
    return [...head, `${indent}${name}:`, ...mapLines(inner, given as object, `${indent}  `)];
  }
  // Maps with free names (servers, groups) get a line for each entry.
  if (inner instanceof z.ZodRecord && indent === "" && Object.keys(given as object).length > 0) {
    const entries = Object.entries(given as object).map(([key, entry]) => `  ${key}: ${flow(entry)}`);
    return [...head, ...entryComments(inner.valueType), `${name}:`, ...entries];
  }
  return [...head, `${indent}${name}: ${flow(given)}`];
}

/** What an entry of a map with free names may hold, said once above the map. */
function entryComments(schema: z.core.$ZodType): string[] {
  if (!(schema instanceof z.ZodObject)) return [];
  const fields = Object.entries(schema.shape as Record<string, z.ZodType>);
  return fields.flatMap(([name, field]) => {
    const { description, reason } = metaOf(field);
    const why = reason === undefined ? "" : ` Default ${flow(defaultOf(field))}: ${reason}.`;
    return comment(`- ${name}: ${description}${why}`, "");
  });
}

function absentLines(name: string, field: z.ZodType, indent: string): string[] {
  const { description, reason } = metaOf(field);
  if (field instanceof z.ZodPrefault) {
    return [...comment(description, indent), `${indent}#${name}:`, ...mapLines(field, {}, `${indent}  `)];
  }
  if (!(field instanceof z.ZodDefault)) return comment(`${name}: ${description} Not set.`, indent);
  return [...comment(`${description} Default: ${reason}.`, indent), `${indent}#${name}: ${flow(defaultOf(field))}`];
}

function metaOf(field: z.ZodType): FieldMeta {
  return (field.meta() ?? { description: "" }) as unknown as FieldMeta;
}

function defaultOf(field: z.ZodType): unknown {
  return field instanceof z.ZodDefault ? field.def.defaultValue : undefined;
}

function flow(value: unknown): string {
  return stringify(value, { collectionStyle: "flow", lineWidth: 0, flowCollectionPadding: true }).trimEnd();
}

function comment(text: string, indent: string): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < WIDTH) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(`${indent}# ${word}`);
  }
  return lines;
}
