import { describe, expect, test } from "vitest";
import { packLines } from "../../src/kube/packed-lines.ts";
import { drillDefinition } from "../../src/manifests/drill/crd.ts";
import {
  DRILL,
  DRILL_RESULTS,
  type Drill,
  drillName,
  MAX_RECORD_CHARS,
  recordId,
} from "../../src/manifests/drill/resource.ts";
import type { Manifest } from "../../src/manifests/manifest.ts";
import { SCENARIO_NAMES } from "../../src/report/drill.ts";
import { schemaProblems } from "./schemas/check.ts";

const at = "2026-11-28T04:10:00.000Z";
const packed = packLines([{ wallMs: 1 }], MAX_RECORD_CHARS);
/** Every field of the type, so that the compiler and the schema check each other. */
const drill: Required<Drill> = {
  ...DRILL,
  metadata: { name: drillName(recordId(at, "server-power")), namespace: "tandem-prod" },
  spec: {
    service: "prod",
    kind: "drill",
    scenario: "server-power",
    victim: "gpu-a",
    by: "ann@desk",
    startedAt: at,
    until: at,
  },
  status: { result: "Passed", gapSeconds: 0.91, summary: "{}", endedAt: at },
  record: { evidence: packed, gateway: packed, reconciler: packed },
};
const problems = (change: object) => schemaProblems({ ...drill, ...change } as unknown as Manifest);

describe("the definition and the types are one", () => {
  test("a Drill with every field is taken, and one that has just begun", () => {
    expect(problems({})).toEqual([]);
    const { victim: _, ...spec } = drill.spec;
    expect(problems({ spec, status: undefined, record: undefined })).toEqual([]);
  });

  test.each(DRILL_RESULTS)("%s is a result", (result) => {
    expect(problems({ status: { ...drill.status, result } })).toEqual([]);
  });

  test.each<[string, object, RegExp]>([
    ["a result that does not exist", { status: { ...drill.status, result: "Fine" } }, /allowed values/],
    ["a record that is too long", { record: { evidence: "A".repeat(MAX_RECORD_CHARS + 4) } }, /more than/],
    ["a record that is no base64", { record: { evidence: "{}" } }, /format "byte"/],
    ["a negative gap", { status: { ...drill.status, gapSeconds: -1 } }, />= 0/],
    ["a field that nobody knows", { spec: { ...drill.spec, loud: true } }, /additional.*loud/],
  ])("refused: %s", (_name, change, expected) => {
    expect(problems(change).join("\n")).toMatch(expected);
  });
});

test("names of all scenarios are names to Kubernetes", () => {
  for (const scenario of [...SCENARIO_NAMES, "failover-e123"]) {
    const name = drillName(recordId(at, scenario));
    expect(name).toMatch(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/);
    expect(name.length).toBeLessThan(64);
  }
});

test("`kubectl get drills` shows scenario, result, gap and age", () => {
  const [version] = (drillDefinition().spec as { versions: { additionalPrinterColumns: { name: string }[] }[] })
    .versions;
  const names = version?.additionalPrinterColumns.map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(["Scenario", "Result", "Gap", "Age"]));
});
