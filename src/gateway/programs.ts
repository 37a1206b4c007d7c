import type { Program } from "../machines/images/bundle-program.ts";

/** What runs on the servers of the gateway's replicas. */
export const GATEWAY_PROGRAMS: readonly Program[] = [
  { name: "tandem-gateway", entry: new URL("./main.ts", import.meta.url) },
];
