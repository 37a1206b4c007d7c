/** Words of PromQL that stand where a metric could. */
const WORDS = new Set(
  "by without on ignoring group_left group_right and or unless offset bool sum max min count avg rate increase time absent histogram_quantile le".split(
    " ",
  ),
);

/** The metrics that a PromQL expression reads, with the labels that it looks at in each. */
export function metricsOf(expr: string): { name: string; labels: string[] }[] {
  const bare = expr.replaceAll(/\b(by|without)\s*\([^)]*\)/g, " ");
  const found = [...bare.matchAll(/([a-zA-Z_][\w:]*)\s*(\{[^}]*\})?/g)].flatMap(([, name = "", matchers = ""]) => {
    if (WORDS.has(name) || !/[_:]|^up$/.test(name)) return [];
    return [{ name, labels: [...matchers.matchAll(/(\w+)\s*[=!]~?/g)].map(([, label = ""]) => label) }];
  });
  // Durations and Grafana's own variables are no metrics.
  return found.filter(({ name }) => !name.startsWith("__"));
}

/** Sample name → the labels that its series have, of one answer to a scrape. */
export function samplesOf(text: string): Map<string, Set<string>> {
  const samples = new Map<string, Set<string>>();
  for (const [, name = "", labels = ""] of text.matchAll(/^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? \S+$/gm)) {
    const known = samples.get(name) ?? new Set();
    samples.set(name, known);
    for (const [, label = ""] of labels.matchAll(/(\w+)="(?:[^"\\]|\\.)*"/g)) known.add(label);
  }
  return samples;
}
