import type { Command } from "commander";
import { type CommonOptions, serviceCommand } from "../service/command.ts";
import { pauseOrResume } from "../service/settle.ts";
import { changeService, whoAsks } from "../service/write.ts";

interface Options extends CommonOptions {
  reason: string;
}

/** `tandem pause`: the reconciler looks on and does nothing. */
export function command(): Command {
  return serviceCommand("pause")
    .description(
      "Stop the automation: nothing is isolated, fenced, rebuilt or changed. Gateways still leave a group that breaks; nobody is served by a dead one.",
    )
    .option("--reason <text>", "shown wherever the pause is", "no reason given")
    .addHelpText(
      "after",
      '\nExamples:\n  tandem pause --reason "switch firmware until 14:00, ask Kim"\n  tandem pause --stack prod',
    )
    .action((options: Options) =>
      pauseOrResume(
        options,
        "True",
        (access) =>
          changeService(access, "pause", ({ spec }) =>
            // A second pause does not take the first one's name away: it is its owner who knows when to resume.
            spec.pause === undefined
              ? { pause: { by: whoAsks(), at: new Date().toISOString(), reason: options.reason } }
              : null,
          ),
        ({ spec }) => `paused by ${spec.pause?.by} at ${spec.pause?.at}: ${spec.pause?.reason}`,
      ),
    );
}
