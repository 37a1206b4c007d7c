/** A value that a preview cannot know yet, because the resource that will produce it does not exist. */
export const UNKNOWN: unique symbol = Symbol("unknown until the update runs");

/** A property value without any of the engine's markers. */
export type Plain = null | boolean | number | string | typeof UNKNOWN | Plain[] | { [key: string]: Plain };
export type PlainObject = { [key: string]: Plain };
/** Where a value sits below the resource's properties. */
export type PropertyPath = readonly (string | number)[];

/** A property tree with the markers taken off, and where the secrets were. */
export interface Decoded {
  value: PlainObject;
  secrets: PropertyPath[];
}

export function isObject(value: unknown): value is { [key: string]: Plain } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Does the value hold anything a preview cannot know, at any depth? */
export function hasUnknown(value: Plain): boolean {
  if (value === UNKNOWN) return true;
  if (Array.isArray(value)) return value.some(hasUnknown);
  return isObject(value) && Object.values(value).some(hasUnknown);
}

/** The value at a path, or undefined where the tree does not reach that far. */
export function at(value: Plain, path: PropertyPath): Plain | undefined {
  let here: Plain | undefined = value;
  for (const step of path) {
    if (Array.isArray(here) && typeof step === "number") here = here[step];
    else if (isObject(here) && Object.hasOwn(here, step)) here = here[step];
    else return undefined;
  }
  return here;
}

/** A path as Pulumi prints it: `spec.ports[0]`, `labels["tandem.dev/group"]`. */
export function printPath(path: PropertyPath): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === "number") return `${text}[${step}]`;
    if (!/^[\w$-]+$/.test(step)) return `${text}[${JSON.stringify(step)}]`;
    return text === "" ? step : `${text}.${step}`;
  }, "");
}
