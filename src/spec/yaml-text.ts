import { isAlias, isMap, isNode, isScalar, isSeq, type Node, parseDocument, visit, type YAMLMap } from "yaml";
import type { LocatedProblem, SpecPath } from "./problem.ts";

export interface Place {
  line: number;
  column: number;
}

export interface YamlText {
  /** The plain value; undefined where the syntax is broken. */
  value: unknown;
  problems: LocatedProblem[];
  /** Place of the value at `path`, or of its key; where it is absent, of the nearest parent that exists. */
  locate: (path: SpecPath, of: "key" | "value") => Place;
}

/** Parses one YAML document and remembers where each value stands. Never throws. */
export function readYaml(text: string, file: string): YamlText {
  const document = parseDocument(text, { prettyErrors: false, logLevel: "error" });
  // Counted here: after some errors yaml's LineCounter has counted the same line break twice.
  const placeOf = (offset: number): Place => {
    const before = text.slice(0, Math.max(offset, 0)).split("\n");
    return { line: before.length, column: (before.at(-1) ?? "").length + 1 };
  };
  const syntaxProblem = (code: string, offset: number, why: string): LocatedProblem => ({
    code: code === "DUPLICATE_KEY" ? "E_SPEC_DUPLICATE_KEY" : "E_SPEC_SYNTAX",
    severity: "error",
    path: [],
    file,
    ...placeOf(offset),
    what: code === "DUPLICATE_KEY" ? "a key is written twice" : "the file is not valid YAML",
    why: why.replace(/\s+/g, " "),
    fix: code === "DUPLICATE_KEY" ? "keep one of the two" : "correct the marked line; YAML indents with spaces only",
  });
  const problems = [...document.errors, ...document.warnings].map((error) =>
    syntaxProblem(error.code, error.pos[0], error.message),
  );
  visit(document, {
    Pair: (_key, { key }) => {
      if (!isScalar(key) || key.value !== "__proto__") return;
      // JavaScript objects cannot be trusted with it, and zod leaves it out without a word.
      const why = "JavaScript gives this name a meaning of its own";
      problems.push({
        ...syntaxProblem("NAME", startOf(key) ?? 0, why),
        code: "E_SPEC_NAME",
        what: "`__proto__` cannot be a name",
        fix: "choose another name",
      });
    },
    Alias: (_key, alias) => {
      if (alias.resolve(document) !== undefined) return;
      problems.push(syntaxProblem("ALIAS", startOf(alias) ?? 0, `no &${alias.source} stands before *${alias.source}`));
    },
  });
  const locate = (path: SpecPath, of: "key" | "value") => placeOf(offsetOf(document.contents, path, of, document));
  // A doubled key leaves the rest readable; anything else makes whatever follows a guess.
  if (problems.some(({ code }) => code === "E_SPEC_SYNTAX")) return { value: undefined, problems, locate };
  try {
    return { value: document.toJS({ maxAliasCount: 100 }), problems, locate };
  } catch (error) {
    return {
      value: undefined,
      problems: [...problems, syntaxProblem("ALIAS", 0, error instanceof Error ? error.message : String(error))],
      locate,
    };
  }
}

function offsetOf(
  root: unknown,
  path: SpecPath,
  of: "key" | "value",
  document: ReturnType<typeof parseDocument>,
): number {
  let node = root;
  let offset = startOf(root) ?? 0;
  for (const [depth, step] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document);
    const last = depth === path.length - 1;
    if (isMap(node)) {
      const pair = pairOf(node, step);
      if (pair === undefined) return offset;
      const key = startOf(pair.key) ?? offset;
      // The message about a map or a list points at its name, which is where the eye looks for it.
      const isLeaf = isScalar(pair.value) || isAlias(pair.value);
      offset = last && of === "value" && isLeaf ? (startOf(pair.value) ?? key) : key;
      node = pair.value;
    } else if (isSeq(node)) {
      const item = node.items[Number(step)];
      if (item === undefined) return offset;
      offset = startOf(item) ?? offset;
      node = item;
    } else return offset;
  }
  return offset;
}

function pairOf(map: YAMLMap, step: string | number) {
  // Of a key that is written twice the last one counts, here as in the value.
  return map.items.findLast(({ key }) => String(isScalar(key) ? key.value : key) === String(step));
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? (node as Node).range?.[0] : undefined;
}
