import { defineConfig } from "vitest/config";

const exclude = ["test/cluster/**", "test/bench/**"];

// Two projects: `unit` needs Node alone; `cluster` needs root and a container engine, and shares one real cluster.
export default defineConfig({
  test: {
    projects: [
      { test: { name: "unit", include: ["test/**/*.test.ts"], exclude, testTimeout: 30_000 } },
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
