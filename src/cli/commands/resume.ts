import type { Command } from "commander";
import { type CommonOptions, serviceCommand } from "../service/command.ts";
import { pauseOrResume } from "../service/settle.ts";
import { changeService } from "../service/write.ts";

/** `tandem resume`: the end of a pause. */
export function command(): Command {
  return serviceCommand("resume")
    .description("Let the automation go on after a pause. It acts on what is so then, not on what happened meanwhile.")
    .addHelpText("after", "\nExamples:\n  tandem resume\n  tandem resume --stack prod")
    .action((options: CommonOptions) => {
      let by: string | undefined;
      return pauseOrResume(
        options,
        "False",
        (access) =>
          changeService(access, "resume", ({ spec }) => {
            by = spec.pause?.by;
            return spec.pause === undefined ? null : { pause: null };
          }),
        () => (by === undefined ? "it was not paused" : `resumed; it was paused by ${by}`),
      );
    });
}
