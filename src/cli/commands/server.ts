import { Command } from "commander";
import { readRecord } from "../../infra/stack/stack-record.ts";
import type { ModelService } from "../../manifests/model-service/resource.ts";
import { printData } from "../output.ts";
import { withService } from "../service/access.ts";
import { type RequestOptions, refused, requestCommand, runRequest, tell } from "../service/command.ts";
import { removeServer } from "../service/remove-server.ts";

/** `tandem server drain|return|remove NAME`: planned maintenance of one server, and its end. */
export function command(): Command {
  return new Command("server")
    .description("Take a server out for maintenance or for good. Traffic moves away first; no answer is broken.")
    .addCommand(drain())
    .addCommand(giveBack())
    .addCommand(remove())
    .addHelpText(
      "after",
      "\nExamples:\n  tandem server drain gpu-b\n  tandem server return gpu-b --stack prod\n  tandem server remove gpu-b --stack prod",
    );
}

function drain(): Command {
  return requestCommand("drain", 900)
    .description(
      "Move traffic off the group of a server, stop the group, and leave the server empty. A spare takes its place.",
    )
    .argument("<server>", "its name in the spec")
    .addHelpText(
      "after",
      "\nExamples:\n  tandem server drain gpu-b\n  tandem server drain gpu-b --timeout 1800 --output json",
    )
    .action((name: string, options: RequestOptions) =>
      runRequest(options, {
        kind: "drain",
        target: name,
        doneText: `${name} is empty`,
        check: (service) => {
          const state = serverOf(service, name, options.stack);
          if (state?.quarantine !== undefined)
            throw refused(
              `${name} stays as it is`,
              `it is out of service already: ${state.quarantine.reason}`,
              `to give it back: tandem server return ${name}`,
            );
        },
      }),
    );
}

function giveBack(): Command {
  return requestCommand("return", 900)
    .description("Give a server back after maintenance: it is checked first, then joins its group or stays a spare.")
    .argument("<server>", "its name in the spec")
    .addHelpText("after", "\nExamples:\n  tandem server return gpu-b")
    .action((name: string, options: RequestOptions) =>
      runRequest(options, {
        kind: "return",
        target: name,
        doneText: `${name} is in service again`,
        check: (service) => void serverOf(service, name, options.stack),
      }),
    );
}

function remove(): Command {
  return requestCommand("remove", 1_800)
    .description(
      "Take a server out of the stack for good: it is drained, a spare takes its place, and the spec names it no more. `tandem up` then takes it out of the cluster.",
    )
    .argument("<server>", "its name in the spec")
    .option("--spec <file>", "the spec to change (default: the one that `tandem up` read last)")
    .addHelpText("after", "\nExamples:\n  tandem server remove gpu-b --stack prod\n  tandem up stacks/prod.yaml")
    .action(async (name: string, { spec, ...options }: RequestOptions & { spec?: string }) => {
      const file = spec ?? (await readRecord(options.stack))?.spec;
      if (file === undefined)
        throw refused(`${name} stays in the stack`, "its spec is not known here", "name it with --spec");
      const outcome = await withService(options, (access) => {
        return removeServer(access, name, { ...options, file });
      });
      if (outcome !== null) return tell(outcome, options, `${name} is empty`);
      if (options.output !== "text") return printData({ outcome: "done", server: name, spec: file }, options.output);
      process.stdout.write(`${file} names ${name} no more\n  to take it out of the cluster: tandem up ${file}\n`);
    });
}

function serverOf({ spec, status }: ModelService, name: string, stack: string) {
  const names = Object.keys(spec.servers);
  if (!names.includes(name))
    throw refused(`nothing was done to ${stack}`, `there is no server ${name}`, `name one of ${names.join(", ")}`);
  return status?.servers.find((server) => server.name === name);
}
