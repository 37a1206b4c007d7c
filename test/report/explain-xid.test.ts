import { expect, test } from "vitest";
import { KNOWN_XIDS } from "../../src/health/xid-policy.ts";
import { explainXid } from "../../src/report/explain-xid.ts";

test("a code on which everybody differs", () => {
  expect(explainXid(94).text).toMatchInlineSnapshot(`
    "XID 94  ROBUST_CHANNEL_CONTAINED_ERROR

    class   restart-group: traffic moves at once, the group starts again on the same
            servers; a second time on one GPU or switch within a day is hardware.
    why     Contained memory error: only the process that touched it is lost.
            NVIDIA: restart the application; twice on one GPU is hardware. Device
            plugins mark the GPU bad, which would spend the standby on it.
    source  NVIDIA Xid-Catalog.xlsx, sha256
            7f70ce9684be0c9d98a367770341ccc1d8bca4465cebe42dab7e23d57df5d5a5, read
            for a group of 16 ranks: whatever kills one process kills the group;
            policy 2026-11-24

    What others do with it
      NVIDIA         restarts the process
        RESTART_APP, then IGNORE (sympathetic)
      device plugin  takes the GPU or server out  marks_unhealthy
      DRA driver     takes the GPU or server out  taint_NoSchedule
      DCGM           reports it                   devastating, ALL, WARN
      EKS            reports it                   event_warning
      GKE            ignores it                   none_by_default
      Azure          ignores it                   not_checked
      NVSentinel     ignores it                   NONE
      gpud           takes the GPU or server out
        RebootSystem, IgnoreNoActionRequired

    Why they differ (we: restarts the process)
      device plugin marks a GPU unhealthy for all codes but 6 application errors, so
        that alone says little; it never stops a running pod.
      DRA driver taints for all codes but the same 6; running pods stay.
      DCGM names 29 codes, and only those that it calls devastating or FAIL end a
        health check.
      EKS has 21 fatal codes; the rest become an Event.
      GKE looks at 8 codes, and only where health monitoring is switched on.
      Azure looks for 18 codes in two hours of the log before a job starts; nothing
        watches while it runs.
      NVSentinel follows the catalog's column and calls every action but NONE fatal.
      gpud reboots for 57 codes, where a restart of the process often does.

    Where each of them says so is in --output json.
    "
  `);
});

test("the driver's own verdict says how it is read", () => {
  expect(explainXid(154).text).toContain("node reboot for failover-reboot");
  expect(explainXid(154, { 154: "watch" }).text).not.toContain("comes before every other rule");
});

test("a code that nobody knows is watched", () => {
  const { text, data } = explainXid(9_999);
  expect(data).toMatchObject({ code: 9_999, remedy: "watch", vendors: [] });
  expect(text).toContain("Nobody else names this code.");
});

test("an override of the spec is shown as one", () => {
  const { text, data } = explainXid(94, { 94: "failover-reset" });
  expect(text).toContain("set in the spec");
  expect(data).toMatchObject({ remedy: "failover-reset", source: "spec", stance: "takes-out" });
});

test("every code reads well in 80 columns, and a program reads the same", () => {
  for (const code of KNOWN_XIDS) {
    const { text, data } = explainXid(code);
    const wide = text.split("\n").filter((line) => line.length > 80);
    expect(wide, `XID ${code}`).toEqual([]);
    expect(text, `XID ${code}`).toContain(data.remedy);
    expect(
      data.vendors.every(({ source }) => source !== ""),
      `XID ${code}`,
    ).toBe(true);
  }
});
