import { expect, test } from "vitest";
import policy from "../../src/health/data/xid-policy.json" with { type: "json" };
import vendors from "../../src/health/data/xid-vendors.json" with { type: "json" };
import { DEFAULT_HEALTH_RULES, healthRules } from "../../src/health/rules.ts";
import { ourStance, vendorStances } from "../../src/health/xid-conflicts.ts";
import { KNOWN_XIDS, xidPolicy } from "../../src/health/xid-policy.ts";

test("every code of the catalog that anybody names has a class of ours, and no other has", () => {
  expect(Object.keys(policy.codes).sort()).toEqual(Object.keys(vendors.codes).sort());
});

test("every word of every vendor is understood", () => {
  const unread = KNOWN_XIDS.flatMap((code) => vendorStances(code)).filter(({ stance }) => stance === null);
  expect(unread.map(({ vendor, does }) => `${vendor}: ${does}`)).toEqual([]);
});

test("vendors contradict each other on most codes; each is decided, and each difference is explained", () => {
  const contradictory = KNOWN_XIDS.filter((code) => {
    const words = new Set(vendorStances(code).map(({ stance }) => stance));
    return words.has("takes-out") && (words.has("ignores") || words.has("restarts"));
  });
  expect(contradictory.length).toBeGreaterThan(150);
  for (const code of contradictory) {
    expect(xidPolicy(code).reason.length, `XID ${code}`).toBeGreaterThan(20);
    for (const { agrees, habit, vendor } of vendorStances(code)) {
      if (!agrees) expect(habit.length, `XID ${code}, ${vendor}`).toBeGreaterThan(20);
    }
  }
});

test("the counts that the habits name are those of the data", () => {
  const count = (vendor: string, pattern: RegExp) =>
    Object.values(vendors.codes as Record<string, Record<string, string | null>>).filter((row) =>
      pattern.test(row[vendor] ?? ""),
    ).length;
  expect({
    devicePlugin: count("devicePlugin", /ignored/),
    dra: count("dra", /None/),
    dcgm: count("dcgm", /./),
    eks: count("eks", /fatal/),
    gke: count("gke", /node_condition/),
    azure: count("azure", /fails/),
    gpud: count("gpud", /Reboot/),
  }).toEqual({ devicePlugin: 6, dra: 6, dcgm: 29, eks: 21, gke: 8, azure: 18, gpud: 57 });
});

test.each([
  { code: 79, agree: ["NVIDIA", "device plugin", "DRA driver", "DCGM", "EKS", "GKE", "Azure", "NVSentinel", "gpud"] },
  { code: 94, agree: ["NVIDIA"] },
  { code: 63, agree: ["DCGM"] },
])("on XID $code we agree with $agree", ({ code, agree }) => {
  expect(
    vendorStances(code)
      .filter(({ agrees }) => agrees)
      .map(({ vendor }) => vendor),
  ).toEqual(agree);
});

test("the spec overrides a class", () => {
  expect(ourStance(94, { 94: "failover-reset" })).toBe("takes-out");
});

test("the plan's longest step stretches the time without progress, never below the usual", () => {
  expect(healthRules({}, 100)).toEqual(DEFAULT_HEALTH_RULES);
  expect(healthRules({ "94": "watch" }, 4_000)).toMatchObject({
    noProgressAfterMs: 12_000,
    overrides: { 94: "watch" },
  });
});
