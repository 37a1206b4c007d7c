import { Command } from "commander";
import { TandemError } from "../../errors.ts";
import { didYouMean } from "../../spec/did-you-mean.ts";
import { EXPLAINERS } from "../explainers.ts";
import { loadSpec } from "../load-spec.ts";
import { type OutputFormat, outputOption, printData } from "../output.ts";

interface Options {
  spec?: string;
  stack: string;
  kubeconfig?: string;
  output: OutputFormat;
}

/** `tandem explain TOPIC [ARG]`: what something means here and where it comes from. */
export function command(): Command {
  const examples = EXPLAINERS.map(({ example }) => `  tandem explain ${example}`);
  return (
    new Command("explain")
      .description(
        "Say what a layout, a flag of SGLang, a rule, an error code of a GPU or NVSwitch or a figure of plan, size and cost means here, and where it comes from; or why a stack does what it does.",
      )
      .argument(
        "<topic>",
        "a layout, a flag, the id of a rule, a figure, `xid`, `sxid`; or of a stack: decision, group, server",
      )
      .argument("[arg]", "the number of an XID or SXid, the name of a group or server")
      .option("--spec <spec>", "say also what it means for this spec")
      .option("-s, --stack <name>", "the stack whose decision, group or server it is", "local")
      .option("--kubeconfig <file>", "your own way to that stack's cluster")
      .addOption(outputOption())
      .addHelpText(
        "after",
        `\nExamples:\n${examples.join("\n")}\n  tandem explain tp16 --spec stacks/example.yaml\n  tandem explain decision --stack prod\n  tandem explain group b\n  tandem explain server gpu-a`,
      )
      // SGLang's flags are topics, not options.
      .allowUnknownOption()
      .action(async (topic: string, argument: string | undefined, { spec, ...live }: Options) => {
        const { output } = live;
        const { explainLive } = await import("../service/explain-live.ts");
        if (await explainLive(topic, argument, live)) return;
        const request = {
          topic,
          argument,
          spec: spec === undefined ? undefined : loadSpec(spec, { allowPlaceholder: true }),
        };
        for (const { explain } of EXPLAINERS) {
          const found = await explain(request);
          if (found === undefined) continue;
          if (output === "text") process.stdout.write(found.text);
          else await printData(found.data, output);
          return;
        }
        throw await unknownTopic(topic, argument);
      })
  );
}

async function unknownTopic(topic: string, argument: string | undefined): Promise<TandemError> {
  const topics = (await Promise.all(EXPLAINERS.map(({ topics }) => topics()))).flat();
  const meant = didYouMean(topic, topics) ?? didYouMean(`--${topic}`, topics);
  const known = EXPLAINERS.map(({ example }) => `tandem explain ${example}`).join(", ");
  return new TandemError({
    code: "E_EXPLAIN_TOPIC",
    what: `cannot explain ${[topic, argument].filter((word) => word !== undefined).join(" ")}`,
    why: "it is no layout, no flag of the pinned SGLang release, no rule, no figure, no XID and no SXid",
    fix: meant === undefined || meant === topic ? `try ${known}` : `did you mean ${meant}?`,
  });
}
