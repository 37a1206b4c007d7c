import { readChoices, readPasses } from "../../drill/record/read-record.ts";
import { type Replay, replay } from "../../drill/record/replay.ts";
import { replayPasses } from "../../drill/record/replay-passes.ts";
import { TandemError } from "../../errors.ts";
import { DEFAULT_TIMING } from "../../failover/choose/timing.ts";
import { DEFAULT_POLICY } from "../../failover/observed.ts";
import { EXIT, Exit } from "../exit.ts";
import { type OutputFormat, printData } from "../output.ts";

const SHOWN = 10;
const { mode: _, ...LIMITS } = DEFAULT_POLICY;

/** What `--set` may name: thresholds of the gateway, and limits of the reconciler. */
export type Thresholds = Readonly<Record<string, number>>;

/** @throws TandemError E_RECORD, E_THRESHOLD; Exit 2 when a decision comes out differently */
export async function replayRecord(folder: string, set: Thresholds, output: OutputFormat): Promise<void> {
  const known = [...Object.keys(DEFAULT_TIMING), ...Object.keys(LIMITS)];
  const unknown = Object.keys(set).filter((name) => !known.includes(name));
  if (unknown.length > 0)
    throw new TandemError({
      code: "E_THRESHOLD",
      what: `there is no threshold ${unknown.join(", ")}`,
      why: `there are ${known.join(", ")}`,
      fix: "name one of them with --set",
    });
  const gateway = replay(await readChoices(folder), only(set, DEFAULT_TIMING));
  const reconciler = replayPasses(await readPasses(folder), only(set, LIMITS));
  if (output !== "text") await printData({ ...gateway, reconciler }, output);
  else process.stdout.write(`${replayText("gateway", gateway)}${replayText("reconciler", reconciler)}`);
  if (gateway.differences.length + reconciler.differences.length > 0) throw new Exit(EXIT.failed);
}

function only<Limits extends object>(set: Thresholds, limits: Limits): Partial<Limits> {
  return Object.fromEntries(Object.entries(set).filter(([name]) => name in limits)) as Partial<Limits>;
}

function replayText(who: string, { choices, differences }: Replay): string {
  if (choices === 0) return `no decision of the ${who} is recorded\n`;
  if (differences.length === 0) return `all ${choices} recorded decisions of the ${who} come out the same\n`;
  const shown = differences
    .slice(0, SHOWN)
    .flatMap(({ wallMs, was, is }) => [new Date(wallMs).toISOString(), `  was  ${was}`, `  is   ${is}`]);
  const more = differences.length > SHOWN ? [`and ${differences.length - SHOWN} more`] : [];
  const head = `${differences.length} of ${choices} recorded decisions of the ${who} would be different`;
  return [head, ...shown, ...more, ""].join("\n");
}
