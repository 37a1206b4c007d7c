import { readFileSync } from "node:fs";
import { parse, stringify } from "yaml";

export const RULE_FILES = ["manifests/monitoring/alerts.yaml", "manifests/monitoring/alerts-reconciler.yaml"] as const;

export interface Rule {
  alert: string;
  expr: string;
  for?: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

interface Groups {
  groups: { name: string; rules: Rule[] }[];
}

const groupsOf = (file: string) => (parse(readFileSync(file, "utf8")) as Groups).groups;

/** Every alert rule of the project. */
export const rules: readonly Rule[] = RULE_FILES.flatMap(groupsOf).flatMap((group) => group.rules);

/** All rules as one object of the Prometheus operator. */
export function prometheusRule(): string {
  const rule = {
    apiVersion: "monitoring.coreos.com/v1",
    kind: "PrometheusRule",
    metadata: { name: "tandem", labels: { "app.kubernetes.io/part-of": "tandem" } },
    spec: { groups: RULE_FILES.flatMap(groupsOf) },
  };
  return `# Written by \`npm run monitoring\` from alerts.yaml and alerts-reconciler.yaml. Change those.\n${stringify(rule, { lineWidth: 0 })}`;
}
