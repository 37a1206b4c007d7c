import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Kernels that a start leaves behind; a real one leaves some hundred, by the shapes of the model. */
const KERNELS = 12;

/**
 * Leaves compiled kernels where `SGLANG_CACHE_DIR` says, as DeepGEMM's just-in-time compiler does while the graphs are
 * captured. Where nothing can be written the engine serves all the same, and its next start compiles again.
 */
export function keepKernels(folder: string | undefined): void {
  if (folder === undefined || folder === "") return;
  try {
    for (let at = 0; at < KERNELS; at++) {
      const path = join(folder, "deep_gemm", "cache", `kernel.fp8_gemm.${at}`);
      mkdirSync(path, { recursive: true });
      writeFileSync(join(path, "kernel.cubin"), `emulated kernel ${at}\n`);
    }
  } catch (error) {
    console.error(`emulator: no kernels kept in ${folder}: ${(error as Error).message}`);
  }
}
