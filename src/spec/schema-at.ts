import { z } from "zod";
import type { SpecPath } from "./problem.ts";
import { ClusterSpecSchema } from "./schema.ts";

/** The schema without its default and optional wrappers. */
export function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  return schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional
    ? unwrap(schema.def.innerType)
    : schema;
}

/** The names that a map at `path` takes; for a choice of maps (provision) those of all choices. Empty for free names. */
export function fieldNamesAt(path: SpecPath): string[] {
  let candidates: z.core.$ZodType[] = [ClusterSpecSchema];
  for (const step of path) candidates = candidates.flatMap((schema) => child(schema, step));
  return [...new Set(candidates.flatMap((schema) => (schema instanceof z.ZodObject ? Object.keys(schema.shape) : [])))];
}

function child(schema: z.core.$ZodType, step: string | number): z.core.$ZodType[] {
  const next =
    schema instanceof z.ZodObject
      ? (schema.shape as Record<string, z.ZodType>)[step]
      : schema instanceof z.ZodRecord
        ? schema.valueType
        : schema instanceof z.ZodArray
          ? schema.element
          : undefined;
  if (next === undefined) return [];
  const inner = unwrap(next);
  return inner instanceof z.ZodDiscriminatedUnion ? [...inner.options] : [inner];
}
