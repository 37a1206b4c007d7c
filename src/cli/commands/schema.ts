import { Command } from "commander";
import { specJsonSchema } from "../../spec/json-schema.ts";
import { writeFile } from "../write-file.ts";

/** `tandem schema`: the JSON Schema of the spec, for editors and other tools. */
export function command(): Command {
  return new Command("schema")
    .description("Print the JSON Schema of the spec, so that an editor completes and checks it.")
    .option("--out <file>", "write it to a file instead")
    .addHelpText(
      "after",
      "\nExamples:\n  tandem schema > tandem.schema.json\n  tandem schema --out stacks/tandem.schema.json",
    )
    .action(({ out }: { out?: string }) => {
      const text = `${JSON.stringify(specJsonSchema(), null, 2)}\n`;
      if (out === undefined) process.stdout.write(text);
      else writeFile(out, text, { overwrite: true });
    });
}
