import { writeFileSync } from "node:fs";
import { DASHBOARDS, grafanaJson } from "./dashboards.ts";
import { prometheusRule } from "./rule-files.ts";

// `npm run monitoring`: the operator's form of the alert rules, and the dashboards.
writeFileSync("manifests/monitoring/prometheus-rule.yaml", prometheusRule());
for (const dashboard of DASHBOARDS) writeFileSync(`manifests/monitoring/${dashboard.uid}.json`, grafanaJson(dashboard));
