/** One metric with all its series, in the terms of Prometheus' text format. */
export interface Family {
  name: string;
  type: "counter" | "gauge";
  help: string;
  series: readonly { labels?: Readonly<Record<string, string | number>>; value: number }[];
}

/** `Content-Type` of {@link exposition}. */
export const EXPOSITION_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** Prometheus' text format 0.0.4. Written here because a library for it takes a tenth of the memory that an agent may have. */
export function exposition(families: readonly Family[]): string {
  return families.map(lines).join("");
}

function lines({ name, type, help, series }: Family): string {
  if (series.length === 0) return "";
  const values = series.map(({ labels = {}, value }) => `${name}${labelText(labels)} ${value}\n`);
  return `# HELP ${name} ${help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")}\n# TYPE ${name} ${type}\n${values.join("")}`;
}

function labelText(labels: Readonly<Record<string, string | number>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(String(value))}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
