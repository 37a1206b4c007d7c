import type { ToolName } from "./catalogue.ts";

/** What happens while tools are fetched and built, in the order in which it happens. */
export type ToolProgress =
  /** Another command holds the lock; nothing is done twice. */
  | { kind: "waiting" }
  | { kind: "plan"; download: ToolName[]; build: ToolName[]; etaMs: number }
  | { kind: "download"; name: ToolName; bytes: number; totalBytes: number }
  /** `etaMs` is that of all builds together. */
  | { kind: "build"; name: ToolName; modules: number; compiled: number; packages: number; etaMs: number }
  | { kind: "done"; name: ToolName; version: string; source: "build" | "download"; bytes: number; tookMs: number };

export type OnToolProgress = (event: ToolProgress) => void;
