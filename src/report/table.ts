import { WIDTH } from "./wrap.ts";

/**
 * Rows in aligned columns, two spaces apart. Where a row is too wide its last cell moves to a line of its own below, so
 * that long names break nothing.
 */
export function table(rows: readonly (readonly string[])[], indent: string): string[] {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, at) => Math.max(0, ...rows.map((row) => row[at]?.length ?? 0)));
  return rows.flatMap((row) => {
    const line = `${indent}${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join("  ")}`.trimEnd();
    if (line.length <= WIDTH || row.length < 2) return [line];
    const head = row.slice(0, -1).map((cell, at) => cell.padEnd(widths[at] ?? 0));
    return [`${indent}${head.join("  ")}`.trimEnd(), `${indent}  ${row.at(-1)}`.trimEnd()];
  });
}
