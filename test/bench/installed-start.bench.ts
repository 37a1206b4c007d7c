import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { execaSync } from "execa";
import { commands } from "../../src/cli/commands.ts";
import { installPackage } from "../support/installed-package.ts";
import { type Bench, median } from "./bench.ts";

const RUNS = 20;

/** The whole way of an installed command, as a person waits for it: `node bin/tandem` with the Node on PATH. */
export const bench: Bench = async () => {
  const { root, remove } = await installPackage();
  try {
    const wanted = ["validate", "plan", "render"].filter((name) => Object.hasOwn(commands, name));
    return wanted.map((name) => {
      const spec = join(root, name === "validate" ? "stacks/local.yaml" : "stacks/example.yaml");
      const times = Array.from({ length: RUNS }, () => {
        const start = performance.now();
        execaSync("node", [join(root, "bin/tandem"), name, spec]);
        return performance.now() - start;
      });
      return {
        what: `tandem ${name}, installed`,
        measured: median(times),
        limit: 300,
        unit: "ms",
        how: `median of ${RUNS}`,
      };
    });
  } finally {
    await remove();
  }
};
