import type { Draft } from "../draft.ts";
import { type Problem, problem } from "../problem.ts";

/** /dev/shm is memory of the container: it must leave room under the same limit. */
export function resourceRules({ engine }: Draft): Problem[] {
  const { memoryGiB, shmGiB } = engine?.resources ?? {};
  if (memoryGiB === undefined || shmGiB === undefined || shmGiB < memoryGiB) return [];
  return [
    problem("E_SPEC_SHM", ["engine", "resources", "shmGiB"], {
      what: `engine.resources.shmGiB is ${shmGiB}, memoryGiB is ${memoryGiB}`,
      why: "/dev/shm counts against the engine's memory limit: filled, it would have the engine killed",
      fix: "set memoryGiB well above shmGiB, or shmGiB lower",
    }),
  ];
}
