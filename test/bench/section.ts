/** Puts a section into a document that benchmarks write: in the place of its earlier self, or at the end. Pure. */
export function withSection(document: string, name: string, section: string): string {
  const begin = `<!-- ${name}: written by npm run bench ${name} -->`;
  const end = `<!-- /${name} -->`;
  const block = `${begin}\n\n${section.trim()}\n\n${end}`;
  const from = document.indexOf(begin);
  const to = document.indexOf(end, from);
  if (from < 0 || to < 0) return `${document.trimEnd()}\n\n${block}\n`;
  return document.slice(0, from) + block + document.slice(to + end.length);
}
