import type { Evidence, GpuSample } from "../evidence.ts";
import type { Mark } from "../finding.ts";
import { remedyOfAction } from "../judge-line.ts";
import type { RecoveryAction } from "../kernel-line.ts";
import { type Remedy, stopsService } from "../remedy.ts";
import type { HealthRules } from "../rules.ts";

type Gpus = Extract<Evidence, { kind: "gpus" }>;
type Rule = (gpu: GpuSample, all: Gpus, rules: HealthRules) => Omit<Mark, "subject"> | null;

/** `sw_power_cap`, `gpu_idle`, `sync_boost` and set clocks are a busy or an idle H100 at work, no fault. */
const THERMAL = ["hw_thermal_slowdown", "sw_thermal_slowdown"];
const POWER = ["hw_power_brake_slowdown"];

/** `gpu_recovery_action` of nvidia-smi, which prints what NVML calls nvmlDeviceGpuRecoveryAction_t. */
const ACTIONS: Readonly<Record<string, RecoveryAction>> = {
  reset: "gpu-reset",
  "gpu reset": "gpu-reset",
  reboot: "node-reboot",
  "node reboot": "node-reboot",
  "drain p2p": "drain-p2p",
  "drain and reset": "drain-and-reset",
  "bus reset": "bus-reset",
  "reset bus": "bus-reset",
  "gpu reset bus": "bus-reset",
  "recover imex domain": "recover-imex-domain",
};
const NO_ACTION = ["", "none", "n/a", "[n/a]", "[not supported]", "not supported", "unknown", "[unknown error]"];

const RULES: readonly Rule[] = [
  function driverVerdict({ recoveryAction }, _, { overrides }) {
    const word = (recoveryAction ?? "").toLowerCase().replaceAll(/[-_]/g, " ").trim();
    if (NO_ACTION.includes(word)) return null;
    const action = ACTIONS[word];
    // A newer driver may ask for what this release has no name for: said, but nothing is done on a guess.
    if (action === undefined)
      return mark("driver-verdict", "watch", 0, `the driver asks for "${word}", which this release does not know`);
    const remedy = remedyOfAction(action, overrides);
    return mark("driver-verdict", remedy, 0, `the driver asks for ${action}`);
  },
  function remapFailure({ remappedRowsFailure }) {
    if (remappedRowsFailure !== true) return null;
    // The GPU computes on; its next memory error has no spare row left.
    return mark(
      "row-remap-failure",
      "failover-support",
      0,
      "a row could not be remapped; NVIDIA replaces such a GPU",
      "planned",
    );
  },
  function remapPending({ remappedRowsPending }) {
    if (remappedRowsPending !== true) return null;
    return mark("row-remap-pending", "schedule-reset", 0, "a row waits for the next reset to be remapped", "never");
  },
  function uncorrected({ eccUncorrected }) {
    if ((eccUncorrected ?? 0) <= 0) return null;
    // The count alone does not say whether the error was contained; the XID that comes with it does, and decides.
    const reason = `${eccUncorrected} uncorrected memory errors since the driver was loaded`;
    return mark("ecc-uncorrected", "watch", 0, reason, "never");
  },
  function nvlink({ nvlinksActive }, { gpus }) {
    // Against its neighbours: the number differs between boards, and one that all GPUs miss is the fabric's, not a GPU's.
    const most = Math.max(0, ...gpus.map((gpu) => gpu.nvlinksActive ?? 0));
    if (nvlinksActive === null || nvlinksActive >= most) return null;
    return mark("nvlink-down", "failover-reset", 0, `${nvlinksActive} of ${most} NVLinks are up`);
  },
  function thermal({ throttle, temperatureC }, _, { throttleAfterMs }) {
    const why = throttle.filter((name) => THERMAL.includes(name));
    if (why.length === 0) return null;
    const reason = `throttled by heat (${why.join(", ")}${temperatureC === null ? "" : `, ${temperatureC} °C`})`;
    return mark("thermal-throttle", "watch", throttleAfterMs, reason, "planned");
  },
  function power({ throttle, powerW }, _, { throttleAfterMs }) {
    const why = throttle.filter((name) => POWER.includes(name));
    if (why.length === 0) return null;
    const reason = `throttled by its power supply (${why.join(", ")}${powerW === null ? "" : `, ${powerW} W`})`;
    return mark("power-throttle", "failover-support", throttleAfterMs, reason, "planned");
  },
  function pcie({ pcieWidth, pcieWidthMax }, _, { narrowAfterMs }) {
    if (pcieWidth === null || pcieWidthMax === null || pcieWidth >= pcieWidthMax) return null;
    return mark("pcie-width", "failover-reboot", narrowAfterMs, `PCIe x${pcieWidth} of x${pcieWidthMax}`, "planned");
  },
];

/** What one look at the GPUs of a server says is wrong. */
export function gpuMarks(all: Gpus, rules: HealthRules): Mark[] {
  const { expected, found, gpus } = all;
  const lost: Mark[] =
    found < expected
      ? [
          {
            ...mark(
              "gpu-lost",
              "failover-reboot",
              0,
              `${found} of ${expected} GPUs are there; no reset reaches a lost one`,
            ),
            subject: "gpus",
          },
        ]
      : [];
  const each = gpus.flatMap((gpu) =>
    RULES.flatMap((rule) => {
      const found = rule(gpu, all, rules);
      return found === null ? [] : [{ ...found, subject: `gpu ${gpu.index} (${gpu.pci})` }];
    }),
  );
  return [...lost, ...each];
}

function mark(
  code: Mark["code"],
  remedy: Remedy,
  confirmAfterMs: number,
  reason: string,
  moves: Mark["moves"] = stopsService(remedy) ? "now" : "never",
): Omit<Mark, "subject"> {
  return { code, remedy, moves, confirmAfterMs, reason };
}
