import { expect, test } from "vitest";
import { APP_FIELDS, GPU_FIELDS, gpuSamples, parseRows, ROW_FIELDS } from "../../src/agent/gpus/parse-smi.ts";

// What the driver 580.159.04 printed for an H200 at rest; only the serial part of the UUID is another.
const UUID = "GPU-00000000-03c4-4d62-bfd6-375da34c6844";
const GPU = `0, 00000000:00:06.0, ${UUID}, 39, 82.48, 0, 16, 16, None, Not Active, Not Active, Not Active, Not Active\n`;

test("a real driver leaves no field without a value", () => {
  const rows = parseRows(`${UUID}, No, No\n`, ROW_FIELDS);
  expect(gpuSamples(parseRows(GPU, GPU_FIELDS), rows, parseRows("", APP_FIELDS))).toEqual([
    {
      index: 0,
      pci: "0000:00:06",
      uuid: UUID,
      temperatureC: 39,
      powerW: 82.48,
      throttle: [],
      eccUncorrected: 0,
      remappedRowsPending: false,
      remappedRowsFailure: false,
      pcieWidth: 16,
      pcieWidthMax: 16,
      nvlinksActive: null,
      recoveryAction: "None",
      processIds: [],
    },
  ]);
});
