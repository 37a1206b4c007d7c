import { join } from "node:path";
import { Command } from "commander";
import {
  FILE_HEADER,
  GROUPS_FOLDER,
  GROUPS_HEADER,
  groupFiles,
  manifestFiles,
} from "../../manifests/manifest-files.ts";
import { renderGroups, renderManifests } from "../../manifests/render.ts";
import { toYaml } from "../../manifests/to-yaml.ts";
import { warningText } from "../../report/problems.ts";
import { loadPlan } from "../load-plan.ts";
import { type OutputFormat, outputOption, printData } from "../output.ts";
import { writeFolder } from "../write-folder.ts";

interface Options {
  out?: string;
  groups?: true;
  output: OutputFormat;
}

/** `tandem render SPEC`: every Kubernetes object of a stack, as YAML that kubectl takes. */
export function command(): Command {
  return new Command("render")
    .description("Print every Kubernetes object of a stack as multi-document YAML, in the order to apply them.")
    .argument("<spec>", "a spec, e.g. stacks/example.yaml")
    .option("--out <dir>", "write one file for each object into this folder instead")
    .option("--groups", "print the LeaderWorkerSets that the reconciler will make of them instead, for reading")
    .addOption(outputOption())
    .addHelpText(
      "after",
      "\nExamples:\n  tandem render stacks/example.yaml | kubectl apply --dry-run=server -f -\n  tandem render stacks/example.yaml --out manifests/example",
    )
    .action(async (file: string, { out, groups, output }: Options) => {
      const { plan, warnings } = loadPlan(file, { allowPlaceholder: true });
      for (const warning of warnings) process.stderr.write(`tandem: warning: ${warningText(warning)}\n`);
      const manifests = groups && out === undefined ? renderGroups(plan) : renderManifests(plan);
      if (out === undefined) {
        // YAML is what this command prints anyway; JSON comes as the List that kubectl takes.
        if (output === "json") return printData({ apiVersion: "v1", kind: "List", items: manifests }, output);
        process.stdout.write(toYaml(manifests));
        return;
      }
      const written = writeFolder(out, manifestFiles(manifests), { header: FILE_HEADER });
      writeFolder(join(out, GROUPS_FOLDER), groupFiles(renderGroups(plan)), { header: GROUPS_HEADER });
      if (output !== "text") return printData({ folder: out, ...written }, output);
      const removed = written.removed.length > 0 ? `, ${written.removed.length} old ones removed` : "";
      process.stdout.write(`${out}: ${written.files.length} files${removed}\n`);
    });
}
