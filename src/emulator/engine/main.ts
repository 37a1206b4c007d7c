import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { parseFlags } from "../flags/parse-flags.ts";
import { killGroup } from "./ending.ts";
import { runEngine } from "./engine.ts";
import { readSettings } from "./settings.ts";

/** Name that SGLang's parser gives itself. */
const PROG = "sglang serve";

/** Flags from `--config FILE` come before the command line, which wins (SGLang merges them the same way). */
function mergeConfig(argv: readonly string[]): string[] {
  const at = argv.indexOf("--config");
  if (at < 0) return [...argv];
  const path = argv[at + 1] ?? "";
  const config = parse(readFileSync(path, "utf8")) as Record<string, unknown>;
  const flags = Object.entries(config).flatMap(([key, value]) => {
    const flag = `--${key.replaceAll("_", "-")}`;
    if (value === true) return [flag];
    if (value === false || value === null) return [];
    return Array.isArray(value) ? [flag, ...value.map(String)] : [flag, String(value)];
  });
  return [...flags, ...argv.slice(0, at), ...argv.slice(at + 2)];
}

/** `python3 -m sglang.launch_server ARGUMENTS`. */
export async function launchServer(argv: readonly string[]): Promise<void> {
  // A program that must leave nothing behind holds the other end of a pipe: whatever ends it ends this engine with its ranks.
  if (process.env.EMULATOR_LIFELINE === "stdin") process.stdin.on("close", killGroup).resume();
  const parsed = parseFlags(mergeConfig(argv));
  if (!parsed.ok) {
    if ("help" in parsed) {
      console.log(`usage: ${PROG} [-h] --model-path MODEL_PATH [options of SGLang 0.5.23]`);
      process.exit(0);
    }
    console.error(
      `usage: ${PROG} [-h] --model-path MODEL_PATH [options of SGLang 0.5.23]\n${PROG}: error: ${parsed.message}`,
    );
    process.exit(2);
  }
  for (const warning of parsed.warnings) console.error(`\u001b[1;33m${warning}\u001b[0m`);
  let settings: ReturnType<typeof readSettings>;
  try {
    settings = readSettings(parsed.values, ["-m", "sglang.launch_server", ...argv], process.env);
  } catch (error) {
    // A refusal of check_server_args is an uncaught exception of the launcher.
    console.error((error as Error).message);
    process.exit(1);
  }
  await runEngine(settings);
}
