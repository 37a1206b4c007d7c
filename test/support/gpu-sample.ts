import type { GpuSample } from "../../src/health/evidence.ts";

/** One GPU of a sound server. */
export function soundGpu(index: number, change: Partial<GpuSample> = {}): GpuSample {
  return {
    index,
    pci: `0000:${(index + 10).toString(16)}:00`,
    uuid: `GPU-${index}`,
    temperatureC: 60,
    powerW: 500,
    throttle: [],
    eccUncorrected: 0,
    remappedRowsPending: false,
    remappedRowsFailure: false,
    pcieWidth: 16,
    pcieWidthMax: 16,
    nvlinksActive: 18,
    recoveryAction: "None",
    processIds: [],
    ...change,
  };
}
