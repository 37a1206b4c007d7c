import type { z } from "zod";
import { hasUnknown, type Plain, type PlainObject, printPath } from "../wire/value.ts";

export interface CheckFailure {
  property: string;
  reason: string;
}

/**
 * Checks inputs against a resource's schema. A preview knows only some of them, so each top-level property is checked
 * by itself and those that hold anything unknown are left for the update.
 */
export function checkInputs(schema: z.ZodObject, inputs: PlainObject): CheckFailure[] {
  const shape = schema.shape as Record<string, z.ZodType>;
  const foreign = Object.keys(inputs)
    .filter((key) => !Object.hasOwn(shape, key))
    .map((key) => ({ property: key, reason: `is not an input; the inputs are ${Object.keys(shape).join(", ")}` }));
  const failures = Object.entries(shape).flatMap(([key, field]) => checkField(key, field, inputs[key]));
  return [...foreign, ...failures];
}

function checkField(key: string, field: z.ZodType, value: Plain | undefined): CheckFailure[] {
  if (value !== undefined && hasUnknown(value)) return [];
  // The engine sends null for an input that the program left out.
  const result = field.safeParse(value ?? undefined);
  if (result.success) return [];
  return result.error.issues.map((issue) => ({
    property: printPath([key, ...issue.path.map((step) => (typeof step === "number" ? step : String(step)))]),
    reason: issue.message,
  }));
}
