import type { Evidence } from "../evidence.ts";
import type { Mark } from "../finding.ts";
import type { HealthRules } from "../rules.ts";

type Monitor = Extract<Evidence, { kind: "monitor" }>;
type Service = Extract<Evidence, { kind: "service" }>;

/** What nvidia-smi and NVML say when there is no driver behind them any more. */
const NO_DRIVER =
  /couldn't communicate with the NVIDIA driver|driver not loaded|no devices were found|GPU access blocked/i;

/**
 * A monitor that gives nothing. By itself that is no fault of the ranks (absence of information is none), so traffic stays;
 * but nobody would see the next fault, so a long one is worth a planned switch. A driver that says it is gone is evidence.
 */
export function monitorMarks({ monitor, state, detail }: Monitor, { monitorHungAfterMs }: HealthRules): Mark[] {
  if (state === "working") return [];
  if (monitor === "nvidia-smi" && state === "failed" && NO_DRIVER.test(detail)) {
    return [
      {
        code: "driver-gone",
        subject: "driver",
        remedy: "failover-reboot",
        moves: "now",
        confirmAfterMs: 0,
        reason: `the NVIDIA driver is gone (${detail})`,
      },
    ];
  }
  const gpuSide = monitor === "nvidia-smi" || monitor === "kernel-log";
  return [
    {
      code: "monitor-hung",
      subject: `monitor ${monitor}`,
      remedy: "watch",
      moves: gpuSide ? "planned" : "never",
      confirmAfterMs: monitorHungAfterMs,
      reason: `${monitor} ${state === "hung" ? "hangs" : "fails"}${detail === "" ? "" : ` (${detail})`}`,
    },
  ];
}

/**
 * Without the fabric manager running ranks compute on (unless it is set to end them, and then their exits are seen), but no
 * new process can use NVLink: the server cannot be restarted in place.
 */
export function serviceMarks({ name, state, detail }: Service): Mark[] {
  if (name !== "fabric-manager" || state !== "failed") return [];
  return [
    {
      code: "fabric-manager-gone",
      subject: name,
      remedy: "failover-reset",
      moves: "planned",
      confirmAfterMs: 5_000,
      reason: `the fabric manager is gone${detail === "" ? "" : ` (${detail})`}: no new process can use NVLink`,
    },
  ];
}
