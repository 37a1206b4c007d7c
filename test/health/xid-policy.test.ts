import { expect, test } from "vitest";
import { REMEDIES } from "../../src/health/remedy.ts";
import { KNOWN_XIDS, vendorViews, xidPolicy } from "../../src/health/xid-policy.ts";

test("every code of the catalog has a known class and a reason", () => {
  expect(KNOWN_XIDS).toHaveLength(172);
  for (const code of KNOWN_XIDS) {
    const { remedy, reason, source } = xidPolicy(code);
    expect(REMEDIES, `XID ${code}`).toContain(remedy);
    expect(reason.length, `XID ${code}`).toBeGreaterThan(20);
    expect(source).toContain("sha256");
  }
});

test.each([
  { code: 79, remedy: "failover-reboot" },
  { code: 48, remedy: "failover-reset" },
  { code: 119, remedy: "failover-reset" },
  { code: 94, remedy: "restart-group" },
  { code: 63, remedy: "schedule-reset" },
  { code: 74, remedy: "failover-support" },
  { code: 45, remedy: "ignore" },
  { code: 9999, remedy: "watch" },
])("XID $code asks for $remedy", ({ code, remedy }) => expect(xidPolicy(code).remedy).toBe(remedy));

test("where we differ from NVIDIA's immediate action, a reason of our own says why", () => {
  const usual: Record<string, readonly string[]> = {
    RESTART_APP: ["restart-group"],
    RESET_GPU: ["failover-reset"],
    IGNORE: ["ignore", "watch"],
  };
  const nvidiaSays = (code: number) => vendorViews(code).find(({ vendor }) => vendor === "nvidia")?.does ?? "";
  const differing = KNOWN_XIDS.filter((code) => usual[nvidiaSays(code)]?.includes(xidPolicy(code).remedy) === false);
  expect(differing).toEqual([43, 63, 137, 157]);
  for (const code of differing) expect(xidPolicy(code).reason, `XID ${code}`).toMatch(/NVIDIA/);
});

test("the spec wins, and vendors are named with their source", () => {
  expect(xidPolicy(94, { 94: "failover-reset" })).toMatchObject({ remedy: "failover-reset", source: "spec" });
  expect(vendorViews(94).map(({ vendor }) => vendor)).toEqual([
    "nvidia",
    "devicePlugin",
    "dra",
    "dcgm",
    "eks",
    "gke",
    "azure",
    "nvsentinel",
    "gpud",
  ]);
  expect(vendorViews(9999)).toEqual([]);
});
