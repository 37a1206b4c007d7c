import { gpuSeed } from "../../machines/local/gpu-seed.ts";

/** PCI addresses of the eight GPUs of a DGX H100, in the order of their index. */
export const PCI_BUS = ["1b:00", "43:00", "52:00", "61:00", "9d:00", "c3:00", "d1:00", "df:00"] as const;

/** One line of `gpus.tsv`: a field of a GPU (`*` is all) that somebody set from outside. */
export interface GpuOverride {
  gpu: number | "*";
  field: string;
  value: string;
}

/** UUID of a GPU: a function of the machine's name, and the same one that `nvidia-smi.sh` prints. */
export function gpuUuid(machine: string, index: number): string {
  const hash = gpuSeed(machine);
  const part = (hash + hash).slice(index * 4, index * 4 + 32);
  return `GPU-${part.slice(0, 8)}-${part.slice(8, 12)}-${part.slice(12, 16)}-${part.slice(16, 20)}-${part.slice(20)}`;
}

/** Reads `gpus.tsv`; lines that are not `INDEX<TAB>FIELD<TAB>VALUE` are skipped, as `nvidia-smi.sh` skips them. */
export function parseOverrides(text: string): GpuOverride[] {
  return text.split("\n").flatMap((line): GpuOverride[] => {
    const [gpu = "", field = "", value] = line.split("\t");
    if (value === undefined || field === "") return [];
    if (gpu === "*") return [{ gpu: "*" as const, field, value }];
    return /^\d+$/.test(gpu) ? [{ gpu: Number(gpu), field, value }] : [];
  });
}
