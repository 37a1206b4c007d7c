import type { Draft } from "../draft.ts";

/** The entries of a map in a Draft whose values could be read. */
export function entriesOf<T>(map: Readonly<Record<string, T | undefined>> | undefined): [string, T][] {
  return Object.entries(map ?? {}).filter((entry): entry is [string, T] => entry[1] !== undefined);
}

/** The elements of a list in a Draft that could be read, each with its place in the file. */
export function itemsOf<T>(list: readonly (T | undefined)[] | undefined): { item: T; index: number }[] {
  return (list ?? []).flatMap((item, index) => (item === undefined ? [] : [{ item, index }]));
}

/** A server by name; `constructor` and the like are names as any other. */
export function serverOf({ servers }: Draft, name: string) {
  return servers !== undefined && Object.hasOwn(servers, name) ? servers[name] : undefined;
}
