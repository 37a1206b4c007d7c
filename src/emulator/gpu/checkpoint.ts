import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Shards of an emulated checkpoint; DeepSeek-V3 has 163, and what is checked does not depend on the number. */
const SHARDS = 8;

/** The name of one shard (from 1), as every checkpoint in shards spells it. */
export function shardName(number: number): string {
  return `model-${String(number).padStart(5, "0")}-of-${String(SHARDS).padStart(6, "0")}.safetensors`;
}

/** Writes a folder that looks like a checkpoint from outside: shards, their index, the model's configuration. Keeps what is there. */
export function writeCheckpoint(folder: string): void {
  mkdirSync(folder, { recursive: true });
  const shards = Array.from({ length: SHARDS }, (_, at) => shardName(at + 1));
  const files: Record<string, string> = {
    "config.json": `${JSON.stringify({ model_type: "deepseek_v3", architectures: ["DeepseekV3ForCausalLM"] })}\n`,
    "model.safetensors.index.json": `${JSON.stringify({ weight_map: Object.fromEntries(shards.map((name, at) => [`layer.${at}`, name])) })}\n`,
    ...Object.fromEntries(shards.map((name, at) => [name, `emulated shard ${at + 1}\n`])),
  };
  for (const [name, content] of Object.entries(files)) {
    try {
      writeFileSync(join(folder, name), content, { flag: "wx" });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }
}
