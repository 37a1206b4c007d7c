import { z } from "zod";
import { type ClusterSpec, ClusterSpecSchema } from "./schema.ts";

type Partly<T> = T extends readonly (infer E)[]
  ? readonly (Partly<E> | undefined)[]
  : T extends object
    ? { readonly [K in keyof T]?: Partly<T[K]> | undefined }
    : T;

/**
 * What could be understood of a spec: a value is either valid or absent, and defaults are filled in. The rules between
 * fields read this, so that one wrong address does not hide ten other problems. Every ClusterSpec is a Draft.
 */
export type Draft = Partly<ClusterSpec>;

// Only a wrong spec pays for it.
let lenientSchema: z.ZodType | undefined;

/** Reads the valid parts of `value`; `issues` are those that the strict schema found in it. */
export function toDraft(value: unknown, issues: readonly z.core.$ZodIssue[]): Draft {
  const pruned = structuredClone(value);
  for (const issue of issues) {
    // A name that is not a label is still a name: dropping it would make every use of it "unknown" as well.
    if (issue.code !== "unrecognized_keys" && issue.code !== "invalid_key") remove(pruned, issue.path);
  }
  lenientSchema ??= lenient(ClusterSpecSchema);
  // What is still in the way is a choice without its tag (provision.kind); the whole choice goes then.
  for (;;) {
    const read = lenientSchema.safeParse(pruned);
    if (read.success) return read.data as Draft;
    const removed = read.error.issues.map(({ path }) => remove(pruned, path) || remove(pruned, path.slice(0, -1)));
    if (!removed.includes(true)) return {};
  }
}

/** Leaves a hole where the value at a path was; false where there is none. */
function remove(root: unknown, path: readonly PropertyKey[]): boolean {
  const last = path.at(-1);
  let parent: unknown = root;
  for (const step of path.slice(0, -1)) parent = isObject(parent) ? parent[step] : undefined;
  if (last === undefined || !isObject(parent) || parent[last] === undefined) return false;
  // A hole: the places of other elements are needed for messages, and a group that cannot be read is still a group.
  parent[last] = undefined;
  return true;
}

function isObject(value: unknown): value is Record<PropertyKey, unknown> {
  return typeof value === "object" && value !== null;
}

/** The same shape with every field optional and unknown keys ignored; checks on single values stay. */
function lenient(schema: z.core.$ZodType): z.ZodType {
  if (schema instanceof z.ZodObject) {
    const fields = Object.entries(schema.shape as Record<string, z.ZodType>);
    return z.object(Object.fromEntries(fields.map(([name, field]) => [name, optional(field)])));
  }
  if (schema instanceof z.ZodRecord) return z.record(z.string(), optional(schema.valueType));
  if (schema instanceof z.ZodArray) return z.array(optional(schema.element));
  if (schema instanceof z.ZodDefault) return lenient(schema.def.innerType).default(schema.def.defaultValue as never);
  if (schema instanceof z.ZodPrefault) return lenient(schema.def.innerType).prefault(schema.def.defaultValue as never);
  if (schema instanceof z.ZodOptional) return lenient(schema.def.innerType).optional();
  if (schema instanceof z.ZodDiscriminatedUnion) {
    const { discriminator } = schema.def;
    const options = schema.options.map((option) => {
      const shape = (option as z.ZodObject).shape as Record<string, z.ZodType>;
      return (lenient(option) as z.ZodObject).extend({ [discriminator]: shape[discriminator] as z.ZodType });
    });
    return z.discriminatedUnion(discriminator, options as never);
  }
  return schema as z.ZodType;
}

function optional(schema: z.core.$ZodType): z.ZodType {
  return schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault
    ? lenient(schema)
    : lenient(schema).optional();
}
