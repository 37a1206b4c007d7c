import { expect, test } from "vitest";
import { incidentsOf } from "../../src/health/incidents.ts";
import { parseKernelLine } from "../../src/health/kernel-line.ts";
import { REMEDIES, type Remedy } from "../../src/health/remedy.ts";
import { KNOWN_SXIDS, sxidPolicy } from "../../src/health/sxid-policy.ts";

test("every code of the guide has a known class, a reason and its place in the guide", () => {
  expect(KNOWN_SXIDS).toHaveLength(92);
  for (const code of KNOWN_SXIDS) {
    const told = [true, false].map((fatal) => sxidPolicy(code, fatal));
    for (const { remedy, reason } of told) {
      expect(REMEDIES, `SXid ${code}`).toContain(remedy);
      expect(reason.length, `SXid ${code}`).toBeGreaterThan(20);
    }
    expect(
      told.some(({ source }) => /DU-09883-001_v1\.3.*, D\.[4-7]/.test(source)),
      `SXid ${code}`,
    ).toBe(true);
  }
});

test.each<{ code: number; word: string; remedy: Remedy; name?: string }>([
  { code: 20034, word: "Fatal", remedy: "failover-reset", name: "LTSSM Fault Up" },
  { code: 22003, word: "Fatal", remedy: "failover-reboot", name: "Minion Halt" },
  { code: 12028, word: "Non-fatal", remedy: "restart-group" },
  { code: 24001, word: "Correctable", remedy: "ignore" },
  { code: 22013, word: "Non-fatal", remedy: "ignore" },
  { code: 20001, word: "Non-fatal", remedy: "watch" },
  { code: 19084, word: "Non-fatal", remedy: "schedule-reset" },
  // The driver decides line by line whether the port is lost.
  { code: 12028, word: "Fatal", remedy: "failover-reset" },
  { code: 24001, word: "Fatal", remedy: "failover-reset" },
  { code: 11001, word: "Non-fatal", remedy: "watch" },
  { code: 20034, word: "Severity 1", remedy: "watch" },
  { code: 29999, word: "Fatal", remedy: "failover-reset", name: "unknown" },
  { code: 29999, word: "Non-fatal", remedy: "watch" },
])("SXid $code, $word, asks for $remedy", ({ code, word, remedy, name }) => {
  const line = parseKernelLine(`3,1,2,-;nvidia-nvswitch3: SXid (PCI:0000:c1:00.0): ${code}, ${word}, Link 30 x`);
  if (line?.kind !== "sxid") throw new Error("no SXid");
  const policy = sxidPolicy(line.code, line.fatal);
  expect(policy.remedy).toBe(remedy);
  if (name !== undefined) expect(policy.name).toBe(name);
});

test("the spec wins, however the driver words it", () => {
  for (const fatal of [true, false])
    expect(sxidPolicy(20034, fatal, { 20034: "failover-support" })).toMatchObject({
      remedy: "failover-support",
      source: "spec",
    });
});

test("a switch that stalls a second time within a day is taken for broken, and called a switch", () => {
  const hour = 3_600_000;
  const line = parseKernelLine("3,1,2,-;nvidia-nvswitch3: SXid (PCI:0000:c1:00.0): 12028, Non-fatal, Link 5 x");
  if (line === null) throw new Error("no line");
  const [, second] = incidentsOf([0, hour].map((atMs) => ({ server: "gpu-a", atMs, line })));
  expect(second).toMatchObject({
    remedy: "failover-reset",
    reason: expect.stringContaining("this switch (first: SXid"),
  });
});
