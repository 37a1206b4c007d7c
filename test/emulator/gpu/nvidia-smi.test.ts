import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { gpuUuid } from "../../../src/emulator/gpu/gpus.ts";
import { gpuMachineFiles } from "../../../src/emulator/gpu/machine-files.ts";
import { gpuSeed } from "../../../src/machines/local/gpu-seed.ts";

let folder: string;
const script = () => join(folder, "nvidia-smi");
const env = () => ({
  PATH: process.env.PATH,
  TANDEM_MACHINE_FILE: join(folder, "machine.json"),
  TANDEM_GPU_FAULTS: join(folder, "gpus.tsv"),
  // Ranks of other tests are ranks of other servers.
  TANDEM_PROC: join(folder, "proc"),
});
const plant = (...lines: string[]) =>
  writeFileSync(join(folder, "gpus.tsv"), lines.map((line) => `${line.replaceAll(" ", "\t")}\n`).join(""));

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "nvidia-smi-"));
  mkdirSync(join(folder, "proc"));
  writeFileSync(script(), gpuMachineFiles()[0]?.content ?? "", { mode: 0o755 });
});
beforeEach(() => {
  writeFileSync(join(folder, "machine.json"), '{"name":"gpu-a","role":"gpu","gpus":8,"address":"10.0.0.11"}\n');
  plant();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function smi(...argv: string[]) {
  const { status, stdout } = spawnSync("sh", [script(), ...argv], { env: env(), encoding: "utf8" });
  return { status, lines: stdout.trimEnd().split("\n") };
}

describe("nvidia-smi of an emulated server", () => {
  test.each([
    ["works them out", ""],
    ["finds them in the machine's file", `,"seed":"${gpuSeed("gpu-a")}"`],
  ])("-L lists eight GPUs with the ids that the device plugin gives out, and %s", (_how, seed) => {
    writeFileSync(
      join(folder, "machine.json"),
      `{"name":"gpu-a","role":"gpu","gpus":8,"address":"10.0.0.11"${seed}}\n`,
    );
    expect(smi("-L")).toEqual({
      status: 0,
      lines: Array.from({ length: 8 }, (_, at) => `GPU ${at}: NVIDIA H100 80GB HBM3 (UUID: ${gpuUuid("gpu-a", at)})`),
    });
  });

  test.each([
    [
      ["--format=csv"],
      ["index, name, memory.total [MiB], driver_version", "0, NVIDIA H100 80GB HBM3, 81559 MiB, 580.95.05"],
    ],
    [["--format=csv,noheader"], ["0, NVIDIA H100 80GB HBM3, 81559 MiB, 580.95.05"]],
    [["--format=csv,noheader,nounits"], ["0, NVIDIA H100 80GB HBM3, 81559, 580.95.05"]],
    [
      ["--format=csv,nounits"],
      ["index, name, memory.total [MiB], driver_version", "0, NVIDIA H100 80GB HBM3, 81559, 580.95.05"],
    ],
  ])("--query-gpu with %j", (format, lines) => {
    expect(smi("--query-gpu=index,name,memory.total,driver_version", "-i", "0", ...format)).toEqual({
      status: 0,
      lines,
    });
  });

  test("fields that an agent reads, healthy", () => {
    const fields =
      "ecc.errors.uncorrected.volatile.total,remapped_rows.pending,remapped_rows.failure,retired_pages.pending,gpu_recovery_action,pcie.link.width.current,clocks_event_reasons.hw_thermal_slowdown,mig.mode.current";
    expect(smi(`--query-gpu=${fields}`, "--format=csv,noheader", "-i", "7").lines).toEqual([
      "0, No, No, [N/A], None, 16, Not Active, Disabled",
    ]);
  });

  test("planted values show, the last one wins, * is every GPU", () => {
    plant("* temperature.gpu 91", "2 remapped_rows.pending No", "2 remapped_rows.pending Yes");
    expect(smi("--query-gpu=temperature.gpu,remapped_rows.pending", "--format=csv,noheader").lines.slice(1, 4)).toEqual(
      ["91, No", "91, Yes", "91, No"],
    );
  });

  test("a GPU off the bus is named, the others answer, the code is 15", () => {
    plant("3 lost 1");
    const { status, lines } = smi("--query-gpu=index", "--format=csv,noheader");
    expect(status).toBe(15);
    expect(lines).toEqual([
      "Unable to determine the device handle for GPU3: 0000:61:00.0: GPU is lost.  Reboot the system to recover this GPU",
      ..."0124567".split(""),
    ]);
  });

  test.each([
    ["no driver", () => plant("* driver gone")],
    ["no GPUs in this machine", () => writeFileSync(join(folder, "machine.json"), '{"name":"cp-1","gpus":0}')],
    ["no machine file", () => rmSync(join(folder, "machine.json"))],
  ])("%s: code 9", (_name, break_) => {
    break_();
    const { status, lines } = smi();
    expect(status).toBe(9);
    expect(lines[0]).toMatch(/^NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver\./);
  });

  test("an unknown field is refused as the real one does", () => {
    expect(smi("--query-gpu=index,nonsense", "--format=csv")).toEqual({
      status: 2,
      lines: ['Field "nonsense" is not a valid field to query.'],
    });
    expect(smi("--query-gpu=index").status).toBe(2);
  });

  test("ranks show as processes that hold the GPUs; a reset is refused while they run and clears after", async () => {
    // A title is two things: the command line, and the short name that the kernel keeps.
    const rank = spawn(
      "sh",
      ["-c", "printf sglang::scheduler_TP9 > /proc/$$/comm; echo; while read -r x; do :; done"],
      {
        argv0: "sglang::scheduler_TP9",
        stdio: ["pipe", "pipe", "ignore"],
      },
    );
    await once(rank.stdout, "data");
    symlinkSync(`/proc/${rank.pid}`, join(folder, "proc", String(rank.pid)));
    try {
      const apps = smi("--query-compute-apps=pid,process_name,used_memory", "--format=csv,noheader").lines;
      expect(apps).toContain(`${rank.pid}, sglang::scheduler_TP1, 71232 MiB`);
      expect(smi("--gpu-reset", "-i", "1").status).toBe(19);
      expect(smi().lines.find((line) => line.includes(`${rank.pid}`))).toHaveLength(91);
    } finally {
      rank.kill();
      await once(rank, "exit");
    }
    plant("6 reset_required Yes");
    expect(smi("--gpu-reset", "-i", "6").status).toBe(0);
    expect(smi("--query-gpu=reset_required", "--format=csv,noheader", "-i", "6").lines).toEqual(["No"]);
  });

  test("a wedged driver holds every caller until it is cleared", async () => {
    plant("* hang 1");
    const caller = spawn("sh", [script(), "-L"], { env: env() });
    const ended = once(caller, "exit");
    expect(await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 300, "held"))])).toBe("held");
    plant();
    expect(await ended).toEqual([0, null]);
  });

  test("the table, -q and -q -x are there", () => {
    expect(smi().lines.filter((line) => line.includes("NVIDIA H100 80GB HBM3"))).toHaveLength(8);
    // Every line of the table is as wide as the first one.
    expect(
      new Set(
        smi()
          .lines.slice(1)
          .filter((line) => /^[|+]/.test(line))
          .map((line) => line.length),
      ),
    ).toEqual(new Set([91]));
    expect(smi("-q").lines.filter((line) => line.includes("GPU UUID"))).toHaveLength(8);
    expect(smi("-q", "-x").lines.filter((line) => line.startsWith("\t<gpu id="))).toHaveLength(8);
  });
});
