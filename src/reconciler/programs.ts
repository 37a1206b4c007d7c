import type { Program } from "../machines/images/bundle-program.ts";

/** What decides, fences and rebuilds: one program, in as many replicas as the Deployment says. */
export const RECONCILER_PROGRAMS: readonly Program[] = [
  { name: "tandem-reconciler", entry: new URL("./main.ts", import.meta.url), format: "cjs" },
];
