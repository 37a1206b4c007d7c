import { chmodSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { Nvlinks, parseNvlinks } from "../../src/agent/gpus/nvlinks.ts";
import { watchGpus } from "../../src/agent/gpus/watch-gpus.ts";
import type { Evidence } from "../../src/health/evidence.ts";
import { Machine } from "./agent-process.ts";

const uuidOf = (gpu: number) => `GPU-5a10e6e5-95f7-2785-ed63-6f6147f304f${gpu}`;

/**
 * As others have printed it: links with a rate of an H100 (stas00/ml-engineering, compute/accelerator/nvidia/debug.md), inactive
 * ones (Azure/azhpc-diagnostics#73), a GPU without any (leptonai/gpud#1085).
 */
const status = (...gpus: (number | "none" | "unknown")[]) =>
  gpus
    .map((up, gpu) => {
      const head = `GPU ${gpu}: NVIDIA H100 80GB HBM3 (UUID: ${uuidOf(gpu)})\n`;
      if (up === "none") return `${head}NVML: Unable to retrieve NVLink information as all links are inActive\n`;
      const state = (link: number) => (up === "unknown" ? "(Not supported)" : link < up ? "26.562 GB/s" : "<inactive>");
      return head + Array.from({ length: 18 }, (_, link) => `\t Link ${link}: ${state(link)}\n`).join("");
    })
    .join("");

describe("nvidia-smi nvlink --status", () => {
  test("is counted by GPU; what nobody knows is not guessed", () => {
    const counts = parseNvlinks(status(18, 17, "none", "unknown", 0));
    expect([...counts]).toEqual([
      [uuidOf(0), 18],
      [uuidOf(1), 17],
      [uuidOf(2), 0],
      [uuidOf(4), 0],
    ]);
  });

  test.each([
    "",
    "Invalid combination of input arguments. Please run 'nvidia-smi -h' for help.\n\n",
    "\t Link 0: 26.562 GB/s\n",
  ])("%j says nothing", (output) => expect(parseNvlinks(output).size).toBe(0));
});

test("a link is down when two looks in a row say so, and they come at once", () => {
  const links = new Nvlinks(30_000);
  const look = (up: number, atMs: number) => {
    expect(links.isDue(atMs)).toBe(true);
    links.saw(parseNvlinks(status(up)), atMs);
    return links.told.get(uuidOf(0));
  };
  expect(look(18, 0)).toBeUndefined();
  expect(look(18, 10_000)).toBe(18);
  expect(links.isDue(39_999)).toBe(false);
  // It trains again.
  expect(look(17, 40_000)).toBe(18);
  expect(look(18, 50_000)).toBe(18);
  expect(look(17, 60_000)).toBe(18);
  expect(look(17, 70_000)).toBe(17);
  expect(links.isDue(99_999)).toBe(false);
});

test("the agent's samples have the number", async () => {
  await using machine = new Machine();
  const program = machine.path("smi");
  writeFileSync(machine.path("links"), status(18, 17));
  const rows = [0, 1].map(
    (gpu) => `${gpu}, 00000000:0${gpu}:00.0, ${uuidOf(gpu)}, 39, 82, 0, 16, 16, None${", Not Active".repeat(4)}`,
  );
  writeFileSync(machine.path("gpus"), `${rows.join("\n")}\n`);
  writeFileSync(
    program,
    `#!/bin/sh\ncase $1 in nvlink) cat ${machine.path("links")};; --query-gpu=*) cat ${machine.path("gpus")};; esac\n`,
  );
  chmodSync(program, 0o755);
  const said: Evidence[] = [];
  const source = watchGpus({
    command: ["/bin/sh", program],
    expected: 2,
    everyMs: 20,
    timeoutMs: 5_000,
    emit: (evidence) => said.push(evidence),
  });
  try {
    const counts = () =>
      said.flatMap((one) => (one.kind === "gpus" ? [one.gpus.map(({ nvlinksActive }) => nvlinksActive)] : []));
    await expect.poll(() => counts().at(-1), { timeout: 10_000 }).toEqual([18, 17]);
    expect(counts()[0]).toEqual([null, null]);
  } finally {
    source.stop();
  }
});
