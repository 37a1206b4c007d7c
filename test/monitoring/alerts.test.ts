import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { promtool, promtoolObstacle } from "../support/promtool.ts";
import { ALERT_CASES, type AlertCase, type Value } from "./alert-cases.ts";
import { prometheusRule, RULE_FILES, type Rule, rules } from "./rule-files.ts";

const obstacle = await promtoolObstacle();
const WELL_MINUTES = 15;
const WRONG_MINUTES = 15;
/** Longer than the longest range that a rule looks back over. */
const AGAIN_MINUTES = 75;
const SAMPLES_A_MINUTE = 4;

/** One phase of a series in promtool's notation: `5x3` is four times 5. */
function samples(value: Value, minutes: number): string {
  const more = minutes * SAMPLES_A_MINUTE - 1;
  if (value === "_") return `_x${more + 1}`;
  if (typeof value === "number") return `${value}+0x${more}`;
  return `${value.from}+${value.perMinute / SAMPLES_A_MINUTE}x${more}`;
}

/** What Prometheus makes of an annotation; a label that the alert does not have is a mistake in the rule. */
function rendered(text: string, labels: Record<string, string>): string {
  return text.replaceAll(/\{\{ \$labels\.(\w+) \}\}/g, (_all, name: string) => {
    const value = labels[name];
    if (value === undefined) throw new Error(`the alert has no label ${name}: ${text}`);
    return value;
  });
}

/** A test file of promtool: nothing fires while all is well, the alert fires while it is wrong, and resolves. */
function testFile(rule: Rule, ruleFile: string, one: AlertCase): object {
  const { alert, labels = {}, series, wrongMinutes = WRONG_MINUTES } = one;
  const annotations = Object.fromEntries(
    Object.entries(rule.annotations).map(([name, text]) => [name, rendered(text, labels)]),
  );
  const firing = [{ exp_labels: { ...rule.labels, ...labels }, exp_annotations: annotations }];
  const at = (minutes: number, expected: object[]) => ({
    eval_time: `${Math.round(minutes * 60)}s`,
    alertname: alert,
    exp_alerts: expected,
  });
  return {
    rule_files: [ruleFile],
    evaluation_interval: "15s",
    tests: [
      {
        interval: "15s",
        input_series: Object.entries(series).map(([name, [well, wrong, again]]) => ({
          series: name,
          values: [samples(well, WELL_MINUTES), samples(wrong, wrongMinutes), samples(again, AGAIN_MINUTES)].join(" "),
        })),
        alert_rule_test: [
          at(WELL_MINUTES - 0.25, []),
          at(WELL_MINUTES + wrongMinutes - 0.25, firing),
          at(WELL_MINUTES + wrongMinutes + AGAIN_MINUTES - 0.25, []),
        ],
      },
    ],
  };
}

describe.skipIf(obstacle !== null)("every alert", () => {
  const folder = mkdtempSync(join(tmpdir(), "alerts-"));
  beforeAll(async () => void (await promtool()), 120_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  // Each with its own rule alone: promtool evaluates all rules of a file at every step. (JSON is YAML.)
  const write = (one: AlertCase, name: string): string => {
    const rule = rules.find(({ alert }) => alert === one.alert);
    if (rule === undefined) throw new Error(`there is no alert ${one.alert}`);
    const ruleFile = join(folder, `${name}-rule.json`);
    const file = join(folder, `${name}-test.json`);
    writeFileSync(ruleFile, JSON.stringify({ groups: [{ name, rules: [rule] }] }));
    writeFileSync(file, JSON.stringify(testFile(rule, ruleFile, one)));
    return file;
  };

  test("is a rule that Prometheus takes", async () => {
    const { all, exitCode } = await execa(await promtool(), ["check", "rules", ...RULE_FILES], {
      reject: false,
      all: true,
    });
    expect(exitCode, all).toBe(0);
  });

  test("fires when something is wrong, says what and where, and resolves", async () => {
    const files = ALERT_CASES.map((one, at) => write(one, `${at}`));
    const { all, exitCode } = await execa(await promtool(), ["test", "rules", ...files], { reject: false, all: true });
    expect(exitCode, all).toBe(0);
  });

  test("and a rule that is wrong is found", async () => {
    const [agent] = ALERT_CASES as [AlertCase];
    const file = write({ ...agent, series: { 'up{job="another"}': [1, 0, 1] } }, "wrong");
    const { all, exitCode } = await execa(await promtool(), ["test", "rules", file], { reject: false, all: true });
    expect(exitCode).toBe(1);
    expect(all).toContain("TandemAgentDown");
  });
});

describe("the rule files", () => {
  test("have a case for every alert, each under a name of its own", () => {
    const names = rules.map(({ alert }) => alert);
    expect(new Set(names).size).toBe(names.length);
    expect(names.toSorted()).toEqual([...new Set(ALERT_CASES.map(({ alert }) => alert))].toSorted());
  });

  test("have a severity, a summary and a page with what to do, and no page is left over", () => {
    for (const { alert, labels, annotations } of rules) {
      expect(["critical", "warning", "info"]).toContain(labels.severity);
      expect(annotations.summary).toMatch(/\.$/);
      expect(annotations.runbook).toBe(`docs/runbooks/${alert}.md`);
      expect(existsSync(annotations.runbook as string), annotations.runbook).toBe(true);
      const page = readFileSync(annotations.runbook as string, "utf8");
      for (const part of [`# ${alert}`, "## What it means", "## What to look at", "## What to do", "## Wake somebody"])
        expect(page, `${alert} has no "${part}"`).toContain(part);
    }
    const pages = readdirSync("docs/runbooks").filter((name) => name !== "README.md");
    expect(pages.toSorted()).toEqual(rules.map(({ alert }) => `${alert}.md`).toSorted());
  });

  test("are the same for the operator", () => {
    const path = "manifests/monitoring/prometheus-rule.yaml";
    expect(readFileSync(path, "utf8"), "stale: `npm run monitoring`").toBe(prometheusRule());
  });
});
