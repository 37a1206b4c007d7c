import {
  hasUnknown,
  isObject,
  type Plain,
  type PlainObject,
  type PropertyPath,
  printPath,
  UNKNOWN,
} from "../wire/value.ts";

/** One property that differs, in the form of Pulumi's detailed diff. */
export interface PropertyChange {
  path: PropertyPath;
  kind: "add" | "delete" | "update";
  /** The change cannot be made in place: the resource must be made anew. */
  replaces: boolean;
}

export interface ResourceDiff {
  changes: PropertyChange[];
  /** Top-level properties that force a replacement, sorted. */
  replaces: string[];
}

export interface DiffOptions {
  /** Top-level properties or printed paths that the operator told Pulumi to ignore (`ignoreChanges`). */
  ignored?: readonly string[];
  /** Printed paths whose change alone does not count. */
  quiet?: ((path: string) => boolean) | undefined;
}

/**
 * Compares the inputs of the last update with the present ones, leaf by leaf. A value that is unknown in the preview
 * counts as changed: it may turn out to be the same, but saying "no change" would be a promise.
 *
 * @param replaceOn top-level properties that cannot change in place.
 */
export function diffInputs(
  olds: PlainObject,
  news: PlainObject,
  replaceOn: readonly string[],
  { ignored = [], quiet = () => false }: DiffOptions = {},
): ResourceDiff {
  const changes = compare(olds, news, [])
    .filter(({ path }) => !ignored.some((ancestor) => isWithin(printPath(path), ancestor)) && !quiet(printPath(path)))
    .map((change): PropertyChange => ({ ...change, replaces: forcesReplacement(change, replaceOn) }));
  const replaces = changes.filter((change) => change.replaces).map((change) => String(change.path[0]));
  return { changes, replaces: [...new Set(replaces)].sort() };
}

/** An input that a newer version of the program adds says nothing about what exists, so it replaces nothing. */
function forcesReplacement({ path, kind }: Difference, replaceOn: readonly string[]): boolean {
  return replaceOn.includes(String(path[0])) && !(kind === "add" && path.length === 1);
}

type Difference = Omit<PropertyChange, "replaces">;

function compare(old: Plain | undefined, now: Plain | undefined, path: PropertyPath): Difference[] {
  if (now === undefined) return old === undefined ? [] : [{ path, kind: "delete" }];
  if (old === undefined) return [{ path, kind: "add" }];
  if (Array.isArray(old) && Array.isArray(now)) {
    const longest = Math.max(old.length, now.length);
    return Array.from({ length: longest }, (_, index) => compare(old[index], now[index], [...path, index])).flat();
  }
  if (isObject(old) && isObject(now)) {
    const keys = [...new Set([...Object.keys(old), ...Object.keys(now)])];
    return keys.flatMap((key) => compare(own(old, key), own(now, key), [...path, key]));
  }
  if (old === now && now !== UNKNOWN && !hasUnknown(now)) return [];
  return [{ path, kind: "update" }];
}

function own(object: PlainObject, key: string): Plain | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

function isWithin(path: string, ancestor: string): boolean {
  return path === ancestor || path.startsWith(`${ancestor}.`) || path.startsWith(`${ancestor}[`);
}
