import { readChoices } from "../../drill/record/read-record.ts";
import { replay } from "../../drill/record/replay.ts";
import { TandemError } from "../../errors.ts";
import { type ChooseTiming, DEFAULT_TIMING } from "../../failover/choose/timing.ts";
import { EXIT, Exit } from "../exit.ts";
import { type OutputFormat, printData } from "../output.ts";

const SHOWN = 10;

/** @throws TandemError E_RECORD, E_THRESHOLD; Exit 2 when a decision comes out differently */
export async function replayRecord(folder: string, set: Partial<ChooseTiming>, output: OutputFormat): Promise<void> {
  const unknown = Object.keys(set).filter((name) => !(name in DEFAULT_TIMING));
  if (unknown.length > 0)
    throw new TandemError({
      code: "E_THRESHOLD",
      what: `there is no threshold ${unknown.join(", ")}`,
      why: `there are ${Object.keys(DEFAULT_TIMING).join(", ")}`,
      fix: "name one of them with --set",
    });
  const result = replay(await readChoices(folder), set);
  if (output !== "text") await printData(result, output);
  else process.stdout.write(replayText(result));
  if (result.differences.length > 0) throw new Exit(EXIT.failed);
}

function replayText({ choices, differences }: ReturnType<typeof replay>): string {
  if (differences.length === 0) return `all ${choices} recorded decisions of the gateway come out the same\n`;
  const shown = differences
    .slice(0, SHOWN)
    .flatMap(({ wallMs, was, is }) => [new Date(wallMs).toISOString(), `  was  ${was}`, `  is   ${is}`]);
  const more = differences.length > SHOWN ? [`and ${differences.length - SHOWN} more`] : [];
  return [`${differences.length} of ${choices} recorded decisions would be different`, ...shown, ...more, ""].join(
    "\n",
  );
}
