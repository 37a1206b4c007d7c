import { existsSync, readFileSync, writeFileSync } from "node:fs";

const DOCUMENT = "docs/benchmarks.md";
const TITLE = "# Benchmarks\n\nWritten by the benchmarks themselves: run them, and do not edit.\n";

/** Writes a section of docs/benchmarks.md. `command` writes it again. */
export function writeSection(name: string, section: string, command = `npm run bench ${name}`): void {
  const document = existsSync(DOCUMENT) ? readFileSync(DOCUMENT, "utf8") : TITLE;
  writeFileSync(DOCUMENT, withSection(document, name, section, command));
}

/** Puts a section into a document that benchmarks write: in the place of its earlier self, or at the end. Pure. */
export function withSection(
  document: string,
  name: string,
  section: string,
  command = `npm run bench ${name}`,
): string {
  const begin = `<!-- ${name}: written by ${command} -->`;
  const end = `<!-- /${name} -->`;
  const block = `${begin}\n\n${section.trim()}\n\n${end}`;
  const from = document.indexOf(begin);
  const to = document.indexOf(end, from);
  if (from < 0 || to < 0) return `${document.trimEnd()}\n\n${block}\n`;
  return document.slice(0, from) + block + document.slice(to + end.length);
}
