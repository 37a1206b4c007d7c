import { recordsDir } from "../../drill/record/record-folder.ts";
import { writeRecord } from "../../drill/record/write-record.ts";
import { runDrill } from "../../drill/scenarios/run-drill.ts";
import type { Scenario } from "../../drill/scenarios/scenario.ts";
import type { DrillReport } from "../../report/drill.ts";
import { drillSummary } from "../../report/drill-text.ts";
import { timelineEntry } from "../../report/timeline.ts";
import type { OutputFormat } from "../output.ts";
import { agreeToDrill } from "./agree.ts";
import { AnswerView } from "./answer-view.ts";
import type { DrillGround } from "./ground.ts";
import { writePage } from "./page.ts";

export interface RunDrillOptions {
  stack?: string;
  spec?: string;
  streams: number;
  victim?: string;
  /** Local machines too are drilled as real servers are. */
  overSsh?: boolean;
  destructive: boolean;
  yes: boolean;
  /** One of the answers is shown as it is written. */
  show?: boolean;
  junit?: string;
  records?: string;
  output: OutputFormat;
}

/** One drill from the question to its record and its page. */
export async function playDrill(
  ground: DrillGround,
  scenario: Scenario,
  options: RunDrillOptions,
  { say, signal }: { say: (line: string) => void; signal: AbortSignal },
): Promise<DrillReport> {
  const { arena } = ground;
  const victim = arena.kind === "cluster" ? await agreeToDrill(arena, scenario, options) : options.victim;
  say(`\nDrill ${scenario.name}: ${scenario.summary}\nat risk: ${ground.atRisk(scenario)}\n`);
  const answer = options.show ? new AnswerView((piece) => process.stdout.write(piece)) : null;
  const played = runDrill(arena, scenario, {
    streams: options.streams,
    ...(victim === undefined ? {} : { victim }),
    signal,
    before: ({ cause }, whom) => ground.before(scenario.name, cause, whom),
    tell: ({ seconds, text, detail }) => {
      answer?.break();
      say(timelineEntry(seconds, text, detail));
    },
    ...(answer === null ? {} : { onPiece: (record) => answer.take(record) }),
  });
  const outcome = await played.catch(async (error: unknown) => {
    await ground.abort();
    throw error;
  });
  const passes = await ground.passes();
  const folder = await writeRecord(options.records ?? recordsDir(arena.plan.name), { ...outcome, passes });
  await ground.after(outcome);
  const page = await writePage(folder);
  say(`\n${drillSummary(outcome.report)}\nrecord: ${folder}\nreport: ${page}`);
  return outcome.report;
}
