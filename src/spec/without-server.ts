import { isMap, isScalar, isSeq, type Pair, parseDocument, type Scalar, type YAMLMap } from "yaml";
import { parseSpec } from "./parse.ts";

export type Removal = { ok: true; text: string } | { ok: false; why: string; fix: string };

/** Text that takes the place of what stands between two offsets. */
interface Edit {
  from: number;
  to: number;
  text: string;
}

/**
 * A spec without one server; all else stands as it was written, comments and spaces too. Groups get the members that they have
 * by now: a spare that took the server's place belongs to its group from then on.
 *
 * @param file is only quoted
 * @param members the servers of each group, as the cluster has them
 */
export function withoutServer(
  text: string,
  file: string,
  name: string,
  members: Readonly<Record<string, readonly string[]>>,
): Removal {
  const root = parseDocument(text).contents;
  const entry = isMap(root) ? pairOf(mapIn(root, "servers"), name) : undefined;
  if (!isMap(root) || entry === undefined) return no(`${file} has no server ${name}`, "see `servers` there");
  const placed = Object.entries(members).find(([, names]) => names.includes(name));
  if (placed !== undefined) {
    const fix = `add a server to the spec first, as one of \`spares\`: it takes the place of ${name} when that is drained`;
    return no(`it belongs to group ${placed[0]}, which would lack a server`, fix);
  }
  const joined = Object.values(members).flat();
  const edits = [
    cut(text, entry),
    ...Object.entries(members).flatMap(([id, now]) => replaced(mapIn(root, "groups"), id, now)),
    ...withoutSpares(text, root, [name, ...joined]),
  ];
  const result = edits
    .toSorted((a, b) => b.from - a.from)
    .reduce((so, edit) => so.slice(0, edit.from) + edit.text + so.slice(edit.to), text);
  const checked = parseSpec(result, file, { allowPlaceholder: true });
  if (checked.ok) return { ok: true, text: result };
  const problems = checked.problems.filter(({ severity }) => severity === "error");
  return no(
    `without it ${file} would not be a spec: ${problems.map(({ what, why }) => `${what}: ${why}`).join("; ")}`,
    "change that first, run `tandem up`, then this again",
  );
}

const no = (why: string, fix: string): Removal => ({ ok: false, why, fix });

function mapIn(map: YAMLMap, key: string): YAMLMap | undefined {
  const value = map.get(key, true);
  return isMap(value) ? value : undefined;
}

function pairOf(map: YAMLMap | undefined, key: string): Pair | undefined {
  return map?.items.find((pair) => isScalar(pair.key) && pair.key.value === key);
}

/** The whole lines of an entry, with the comment behind it. */
function cut(text: string, { key, value }: Pair): Edit {
  const from = text.lastIndexOf("\n", rangeOf(key)[0] - 1) + 1;
  const end = text.indexOf("\n", rangeOf(value)[1] - 1);
  return { from, to: end < 0 ? text.length : end + 1, text: "" };
}

/** Names that are no members any more, each replaced by one that has become one. */
function replaced(groups: YAMLMap | undefined, id: string, now: readonly string[]): Edit[] {
  const names = namesIn(groups?.get(id, true));
  const fresh = now.filter((one) => !names.some(({ value }) => value === one));
  return names
    .filter(({ value }) => !now.includes(value))
    .flatMap((gone, at) => {
      const [from, to] = rangeOf(gone);
      const text = fresh[at];
      return text === undefined ? [] : [{ from, to, text }];
    });
}

function withoutSpares(text: string, root: YAMLMap, taken: readonly string[]): Edit[] {
  const pair = pairOf(root, "spares");
  const names = namesIn(pair?.value);
  const left = names.filter(({ value }) => !taken.includes(value)).map(({ value }) => value);
  if (pair === undefined || left.length === names.length) return [];
  if (left.length === 0) return [cut(text, pair)];
  const [from, to] = rangeOf(pair.value);
  // A list of lines ends with its last line.
  return [{ from, to, text: `[${left.join(", ")}]${text[to - 1] === "\n" ? "\n" : ""}` }];
}

function namesIn(value: unknown): Scalar<string>[] {
  return isSeq(value) ? value.items.filter((one): one is Scalar<string> => isScalar(one)) : [];
}

function rangeOf(node: unknown): [number, number] {
  const { range } = node as { range?: [number, number, number] | null };
  if (!range) throw new Error("a node of a text that was parsed has its place there");
  return [range[0], range[1]];
}
