import { Command } from "commander";
import type { ModelService } from "../../manifests/model-service/resource.ts";
import { type RequestOptions, refused, requestCommand, runRequest } from "../service/command.ts";

/** `tandem server drain|return NAME`: planned maintenance of one server. */
export function command(): Command {
  return new Command("server")
    .description("Take a server out for maintenance, and give it back. Traffic moves away first; no answer is broken.")
    .addCommand(drain())
    .addCommand(giveBack())
    .addHelpText("after", "\nExamples:\n  tandem server drain gpu-b\n  tandem server return gpu-b --stack prod");
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

function serverOf({ spec, status }: ModelService, name: string, stack: string) {
  const names = Object.keys(spec.servers);
  if (!names.includes(name))
    throw refused(`nothing was done to ${stack}`, `there is no server ${name}`, `name one of ${names.join(", ")}`);
  return status?.servers.find((server) => server.name === name);
}
