import { defineConfig } from "vitest/config";
import { compiledDir } from "./src/machines/home.ts";
import { LongestFirst } from "./test/support/longest-first.ts";

/** Whole groups, gateways and reconcilers run here, as processes or in virtual time; most of the time is theirs, not ours. */
const rehearsal = ["drill", "gateway", "readiness", "reconciler", "rehearsal", "sim"].map(
  (folder) => `test/${folder}/**/*.test.ts`,
);
/** What needs a package index: the parser of the real engine, and our own package as `npm install` gives it to a user. */
const outside = ["test/conformity/**/*.test.ts", "test/cli/pack.test.ts"];
const exclude = ["test/cluster/**", "test/bench/**", ...outside, ...rehearsal];

// Vitest's workers and every program of ours that a test starts: half of the time of a start was compiling.
const env = { NODE_COMPILE_CACHE: compiledDir() };
/** What a test file leaves in its temporary folder makes it fail. */
const tidy = {
  env,
  globalSetup: "test/support/temporary-root.ts",
  setupFiles: "test/support/leaves-nothing.ts",
};

// Four projects: `unit` and `rehearsal` need Node alone; `conformity` needs a package index: it runs the argument parser of the
// pinned SGLang release and installs our own package; `cluster` needs root and a container engine, and shares one real cluster.
export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          ...tidy,
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          maxWorkers: 2,
          // A worker of its own for each of 130 files took more CPU than most of them do. Files share their modules then, and
          // ours keep no state; the environment is as before after each file.
          isolate: false,
        },
      },
      {
        test: {
          ...tidy,
          name: "rehearsal",
          include: rehearsal,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          // Most of the time of these tests is waiting for processes of their own: a file takes half a core while it runs.
          maxWorkers: 3,
          // Vitest runs projects with different numbers of workers one after the other.
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          env,
          name: "conformity",
          include: outside,
          // The first that needs the engine's sources fetches them for all.
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 300_000,
        },
      },
      {
        test: {
          env,
          globalSetup: "test/support/cluster-leaves-nothing.ts",
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
