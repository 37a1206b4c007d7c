import { expect, test } from "vitest";
import { KNOWN_SXIDS } from "../../src/health/sxid-policy.ts";
import { explainSxid } from "../../src/report/explain-sxid.ts";

test("a code of the guide, as the driver words it", () => {
  expect(explainSxid(22003).text).toMatchInlineSnapshot(`
    "SXid 22003 Minion Halt

    Fatal    failover-reboot: traffic moves at once, the server leaves the group
             until it was rebooted.
             Fatal to the whole fabric. NVIDIA: restart the host.
    other    watch: nothing is moved; it is shown to a human.
             The driver does not call it fatal; it is shown to a human.
    note     The driver writes Fatal, Non-fatal or Correctable into the line; the
             lines with registers that follow have none of them.
    source   NVIDIA Fabric Manager User Guide DU-09883-001_v1.3 (October 2023),
             appendix D, by the copy in leptonai/gpud@4a8de33a
             components/accelerator/nvidia/sxid/sxid.go, D.6
             NVIDIA/open-gpu-kernel-modules@1739a20e
             src/common/nvswitch/kernel/inc/intr_nvswitch.h: Fatal, Non-fatal or
             Correctable stands after the code, and of some codes it depends on
             whether the port is locked (NVSWITCH_REPORT_CONTAIN)
             policy 2026-11-29
    "
  `);
});

test("the spec's own class is all there is to say", () => {
  const { text, data } = explainSxid(22003, { 22003: "watch" });
  expect(data).toMatchObject({ code: 22003, fatal: { remedy: "watch" }, other: { remedy: "watch" } });
  expect(text).toContain("set in the spec");
  expect(text).not.toContain("Fatal");
});

test("every code fits a terminal of 80 columns", () => {
  for (const code of [...KNOWN_SXIDS, 29_999]) {
    for (const line of explainSxid(code).text.split("\n")) expect(line.length, line).toBeLessThanOrEqual(80);
  }
});
