import { Option } from "commander";

export type OutputFormat = "text" | "json" | "yaml";

/** `--output text|json|yaml`, the same on every command that prints data. */
export function outputOption(): Option {
  return new Option("-o, --output <format>", "what to print").choices(["text", "json", "yaml"]).default("text");
}

/** Prints a value as one JSON object or one YAML document. */
export async function printData(value: unknown, format: "json" | "yaml"): Promise<void> {
  if (format === "json") process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
  else process.stdout.write((await import("yaml")).stringify(value, { lineWidth: 0 }));
}

/** A terminal that shows colours and a person who wants them (https://no-color.org). */
export function wantsColour(stream: { isTTY?: boolean }): boolean {
  return stream.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== "dumb";
}
