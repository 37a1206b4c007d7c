import type { Evidence, GpuSample } from "../../health/evidence.ts";
import type { Family } from "./exposition.ts";

type Gpus = Extract<Evidence, { kind: "gpus" }>;

/** What `nvidia-smi` said last; a field that a driver does not know has no series. */
export function gpuFamilies(evidence: Gpus | undefined): Family[] {
  if (evidence === undefined) return [];
  const { expected, found, gpus } = evidence;
  const each = (name: string, help: string, read: (gpu: GpuSample) => number | boolean | null): Family => ({
    name: `tandem_agent_gpu_${name}`,
    type: name.endsWith("_total") ? "counter" : "gauge",
    help,
    series: gpus.flatMap((gpu) => {
      const value = read(gpu);
      return value === null ? [] : [{ labels: { gpu: gpu.index, uuid: gpu.uuid }, value: Number(value) }];
    }),
  });
  return [
    {
      name: "tandem_agent_gpus_expected",
      type: "gauge",
      help: "GPUs that the server should have.",
      series: [{ value: expected }],
    },
    { name: "tandem_agent_gpus_found", type: "gauge", help: "GPUs that the driver lists.", series: [{ value: found }] },
    each("temperature_celsius", "Temperature of the GPU.", ({ temperatureC }) => temperatureC),
    each("power_watts", "Power that the GPU draws.", ({ powerW }) => powerW),
    each(
      "ecc_uncorrected_errors_total",
      "Uncorrected memory errors, by the GPU's own counter.",
      (gpu) => gpu.eccUncorrected,
    ),
    each("remapped_rows_pending", "1 if rows wait for a reset to be remapped.", (gpu) => gpu.remappedRowsPending),
    each("remapped_rows_failed", "1 if a row could not be remapped.", (gpu) => gpu.remappedRowsFailure),
    each("pcie_lanes", "PCIe lanes in use.", ({ pcieWidth }) => pcieWidth),
    each("pcie_lanes_maximum", "PCIe lanes that the GPU could use.", ({ pcieWidthMax }) => pcieWidthMax),
    {
      name: "tandem_agent_gpu_throttled",
      type: "gauge",
      help: "1 for each reason for which the driver lowers the clocks now.",
      series: gpus.flatMap(({ index, uuid, throttle }) =>
        throttle.map((reason) => ({ labels: { gpu: index, uuid, reason }, value: 1 })),
      ),
    },
  ];
}
