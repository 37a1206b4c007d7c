import { defineConfig } from "vitest/config";

/** Whole groups, gateways and reconcilers run here, as processes or in virtual time; most of the time is theirs, not ours. */
const rehearsal = ["drill", "gateway", "readiness", "reconciler", "rehearsal", "sim"].map(
  (folder) => `test/${folder}/**/*.test.ts`,
);
const exclude = ["test/cluster/**", "test/conformity/**", "test/bench/**", ...rehearsal];

// Four projects: `unit` and `rehearsal` need Node alone; `conformity` runs the argument parser of the pinned SGLang release;
// `cluster` needs root and a container engine, and shares one real cluster.
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          maxWorkers: 2,
        },
      },
      {
        test: {
          name: "rehearsal",
          include: rehearsal,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          // Most of the time of these tests is waiting for processes of their own; one worker left a core idle.
          maxWorkers: 2,
        },
      },
      {
        test: {
          name: "conformity",
          include: ["test/conformity/**/*.test.ts"],
          // The first file fetches what both need.
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 300_000,
        },
      },
      {
        test: {
          name: "cluster",
          include: ["test/cluster/**/*.test.ts"],
          fileParallelism: false,
          testTimeout: 600_000,
          hookTimeout: 1_800_000,
        },
      },
    ],
  },
});
