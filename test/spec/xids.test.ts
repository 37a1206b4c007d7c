import { expect, test } from "vitest";
import { parseSpec } from "../../src/spec/parse.ts";
import { changed } from "./specs.ts";

const read = (xids: unknown) => parseSpec(changed({ "failover.xids": xids }), "prod.yaml");

test("no class is overridden unless the spec says so", () => {
  const result = parseSpec(changed({}), "prod.yaml");
  if (!result.ok) expect.fail(JSON.stringify(result.problems));
  expect(result.spec.failover.xids).toEqual({});
});

test("a class by the number of the code", () => {
  const result = read({ 94: "failover-reset", 63: "watch", 20034: "failover-support" });
  if (!result.ok) expect.fail(JSON.stringify(result.problems));
  expect(result.spec.failover.xids).toEqual({ "63": "watch", "94": "failover-reset", "20034": "failover-support" });
});

test.each<{ when: string; xids: unknown; where: string }>([
  { when: "a class that there is not", xids: { 94: "reboot" }, where: "failover.xids.94" },
  { when: "a key that is no code", xids: { "xid-94": "watch" }, where: "failover.xids" },
  { when: "more digits than an SXid has", xids: { 200340: "watch" }, where: "failover.xids" },
  { when: "a code of zero", xids: { 0: "watch" }, where: "failover.xids" },
  { when: "a list", xids: ["watch"], where: "failover.xids" },
])("refuses $when", ({ xids, where }) => {
  const result = read(xids);
  expect(result.ok).toBe(false);
  if (!result.ok) expect(result.problems.map(({ what }) => what).join("\n")).toContain(where);
});
