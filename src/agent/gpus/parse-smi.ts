import type { GpuSample } from "../../health/evidence.ts";

/** What is asked of every GPU. A driver that does not know one of them says so, and is asked without it. */
export const GPU_FIELDS = [
  "index",
  "pci.bus_id",
  "uuid",
  "temperature.gpu",
  "power.draw",
  "ecc.errors.uncorrected.volatile.total",
  "pcie.link.width.current",
  "pcie.link.width.max",
  "gpu_recovery_action",
  "clocks_event_reasons.hw_slowdown",
  "clocks_event_reasons.hw_thermal_slowdown",
  "clocks_event_reasons.sw_thermal_slowdown",
  "clocks_event_reasons.hw_power_brake_slowdown",
] as const;
export const ROW_FIELDS = ["gpu_uuid", "remapped_rows.pending", "remapped_rows.failure"] as const;
export const APP_FIELDS = ["gpu_uuid", "pid"] as const;

const REASON = "clocks_event_reasons.";

/** Rows of `--format=csv,noheader,nounits`. Lines that do not have all fields are messages and are passed by. */
export function parseRows(output: string, fields: readonly string[]): Record<string, string>[] {
  return output.split("\n").flatMap((line) => {
    const values = line.split(",").map((value) => value.trim());
    if (values.length !== fields.length || values.some((value) => value === "")) return [];
    return [Object.fromEntries(fields.map((field, at) => [field, values[at] ?? ""]))];
  });
}

/** The GPUs that answered, by their index. A value that the driver does not give is null, whatever it prints instead. */
export function gpuSamples(
  gpus: readonly Record<string, string>[],
  rows: readonly Record<string, string>[],
  apps: readonly Record<string, string>[],
  nvlinks: ReadonlyMap<string, number> = new Map(),
): GpuSample[] {
  return gpus
    .filter((gpu) => /^\d+$/.test(gpu.index ?? "") && (gpu.uuid ?? "").startsWith("GPU-"))
    .map((gpu) => {
      const uuid = gpu.uuid ?? "";
      const remapped = rows.find((row) => row.gpu_uuid === uuid);
      return {
        index: Number(gpu.index),
        pci: shortPci(gpu["pci.bus_id"] ?? ""),
        uuid,
        temperatureC: numberOf(gpu["temperature.gpu"]),
        powerW: numberOf(gpu["power.draw"]),
        throttle: Object.entries(gpu)
          .filter(([field, value]) => field.startsWith(REASON) && value === "Active")
          .map(([field]) => field.slice(REASON.length)),
        eccUncorrected: numberOf(gpu["ecc.errors.uncorrected.volatile.total"]),
        remappedRowsPending: yesNo(remapped?.["remapped_rows.pending"]),
        remappedRowsFailure: yesNo(remapped?.["remapped_rows.failure"]),
        pcieWidth: numberOf(gpu["pcie.link.width.current"]),
        pcieWidthMax: numberOf(gpu["pcie.link.width.max"]),
        nvlinksActive: nvlinks.get(uuid) ?? null,
        recoveryAction: textOf(gpu.gpu_recovery_action),
        processIds: apps
          .filter((app) => app.gpu_uuid === uuid && /^\d+$/.test(app.pid ?? ""))
          .map((app) => Number(app.pid)),
      };
    })
    .sort((a, b) => a.index - b.index);
}

/** `Field "x" is not a valid field to query.` → x */
export function unknownField(output: string): string | null {
  return /Field "([^"]+)" is not a valid field to query/.exec(output)?.[1] ?? null;
}

/** `00000000:0B:00.0` → `0000:0b:00`, as in the kernel log. */
function shortPci(bus: string): string {
  return bus
    .toLowerCase()
    .replace(/\.\d$/, "")
    .replace(/^[0-9a-f]*([0-9a-f]{4}):/, "$1:");
}

function textOf(value: string | undefined): string | null {
  return value === undefined || /^\[?(N\/A|Not Supported|Unknown|.*Error.*|GPU requires reset.*)\]?$/i.test(value)
    ? null
    : value;
}

function numberOf(value: string | undefined): number | null {
  return value !== undefined && /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : null;
}

/** Drivers print Yes and No, or 0 and 1. */
function yesNo(value: string | undefined): boolean | null {
  if (value === undefined) return null;
  if (/^(yes|1)$/i.test(value)) return true;
  return /^(no|0)$/i.test(value) ? false : null;
}
