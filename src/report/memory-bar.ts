import type { MemoryPlan } from "../plan/serving-plan.ts";

const CELLS = 72;

/** One part of a GPU's memory as it is drawn: a mark that differs from all others without any colour. */
export interface BarPart {
  mark: string;
  name: string;
  gib: number;
}

/** What fills one GPU, in the order of loading; the parts add up to the GPU. */
export function barParts(memory: MemoryPlan): BarPart[] {
  return [
    { mark: "█", name: "weights", gib: memory.weightsGiBPerGpu },
    { mark: "▒", name: "KV cache", gib: memory.kvGiBPerGpu },
    { mark: "o", name: "graphs, activations, NCCL", gib: memory.workspaceGiBPerGpu },
    { mark: "·", name: "free", gib: Math.max(0, memory.headroomGiBPerGpu) },
  ];
}

/** The memory of one GPU as a bar of 72 cells: every part that is there has at least one. */
export function memoryBar(parts: readonly BarPart[]): string {
  const total = parts.reduce((sum, { gib }) => sum + gib, 0);
  let filled = 0;
  let cells = "";
  for (const { mark, gib } of parts) {
    filled += gib;
    const upTo = Math.round((filled / total) * CELLS);
    cells += mark.repeat(Math.max(gib > 0 ? 1 : 0, upTo - cells.length));
  }
  return cells.slice(0, CELLS);
}
