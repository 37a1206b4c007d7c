/** Pieces of a structural schema (apiextensions.k8s.io/v1): every field typed and bounded, so that the API server refuses the rest. */
export type Schema = Record<string, unknown>;

/** Bounds also keep the cost of the CEL rules, which the API server reckons beforehand, within its budget. */
const NAME_LENGTH = 63;
const TEXT_LENGTH = 2_000;

export const text = (maxLength = TEXT_LENGTH): Schema => ({ type: "string", maxLength });
export const name: Schema = {
  type: "string",
  minLength: 1,
  maxLength: NAME_LENGTH,
  pattern: "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
};
export const url: Schema = { type: "string", maxLength: 500, pattern: "^https?://[^/]+" };
export const time: Schema = { type: "string", format: "date-time" };
export const flag: Schema = { type: "boolean" };
export const oneOf = (values: readonly string[]): Schema => ({ type: "string", enum: [...values] });
export const count = (minimum = 0): Schema => ({ type: "integer", format: "int64", minimum });
/** In a merge patch a null means that the field goes, so a field that may be null may be missing as well, and means the same. */
export const nullable = (schema: Schema): Schema => ({ ...schema, nullable: true });

/** All fields are wanted, except those that are named and those that may be null. */
export function object(properties: Record<string, Schema>, optional: readonly string[] = []): Schema {
  const required = Object.keys(properties).filter(
    (key) => !optional.includes(key) && properties[key]?.nullable !== true,
  );
  return { type: "object", ...(required.length > 0 ? { required } : {}), properties };
}

export const map = (values: Schema, maxProperties: number): Schema => ({
  type: "object",
  maxProperties,
  additionalProperties: values,
});

/** A list whose entries are told apart by fields, so that two writers may each own some. */
export const list = (items: Schema, maxItems: number, keys: readonly string[] = []): Schema => ({
  type: "array",
  maxItems,
  ...(keys.length > 0 ? { "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [...keys] } : {}),
  items,
});

export const described = (schema: Schema, description: string): Schema => ({ description, ...schema });

/** Rules in CEL, each with what to tell whoever breaks it. */
export const ruled = (schema: Schema, rules: Record<string, string>): Schema => ({
  ...schema,
  "x-kubernetes-validations": Object.entries(rules).map(([rule, message]) => ({ rule, message })),
});
