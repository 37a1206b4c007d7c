/** What a gateway must know of the served model to carry an answer on. */
export interface ModelTraits {
  name: string;
  /** `--reasoning-parser`; null where answers are not split. */
  parser: "deepseek-r1" | "deepseek-v3" | null;
  /** Whether the chat template ends with `<think>` (R1), or the model writes the tag by itself (R1-0528). */
  templateOpensThink: boolean;
  contextLength: number;
}
