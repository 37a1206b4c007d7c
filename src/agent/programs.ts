import type { Program } from "../machines/images/bundle-program.ts";

/** What runs on every server: the agent, and the reporter beside it that alone talks to the API server. */
export const AGENT_PROGRAMS: readonly Program[] = [
  { name: "tandem-agent", entry: new URL("./main.ts", import.meta.url), format: "cjs" },
  { name: "tandem-reporter", entry: new URL("./reporter/main.ts", import.meta.url), format: "cjs" },
];
