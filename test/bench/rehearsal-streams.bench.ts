import { HARDSHIPS } from "../../src/drill/stream-request.ts";
import type { FaultClass } from "../../src/report/rehearsal.ts";
import { RehearsalSession } from "../support/rehearsal-session.ts";
import type { Bench, Measurement } from "./bench.ts";

const PER_ROUND = 100;
/** `BENCH_STREAMS=10000 npm run bench rehearsal-streams`, or BENCH_RUNS rounds of each model. */
const STREAMS = Number(process.env.BENCH_STREAMS ?? 400 * Number(process.env.BENCH_RUNS ?? 3));
/** After a crash of software, requests that were in prefill are tried one at a time: the last of many waits long. */
const IDLE_TIMEOUT_MS = 60_000;
/** Models whose answers look different on the wire: no reasoning, reasoning when asked, always, with a tag of its own. */
const PRESETS = ["deepseek-v3", "deepseek-v3.1", "deepseek-r1", "deepseek-r1-0528"];
/** Two that break connections, and two that leave them open. */
const FAULTS: readonly FaultClass[] = ["rank-crash", "server-power", "gpu-xid", "network-cut"];

/**
 * Many streams broken at random points, in prefill, in reasoning, in their answer and in a tool call; every token is judged.
 * A third of them has a tool call, two choices or a grammar: such a one starts anew or ends with the event that says why.
 */
export const bench: Bench = async () => {
  const total = {
    streams: 0,
    carriedOn: 0,
    endedClearly: 0,
    broken: 0,
    tokens: 0,
    lost: 0,
    doubled: 0,
    foreign: 0,
    mixed: 0,
  };
  const rounds = Math.ceil(STREAMS / PER_ROUND / PRESETS.length);
  for (const preset of PRESETS) {
    const session = await RehearsalSession.start(preset);
    try {
      for (let round = 0; round < rounds; round++) {
        const { streams, fault } = await session.round({
          fault: FAULTS[round % FAULTS.length] as FaultClass,
          streams: PER_ROUND,
          idleTimeoutMs: IDLE_TIMEOUT_MS,
          hardships: HARDSHIPS.filter((one) => one !== "tool-call" || callsTools(session)),
          promptTokens: { min: 10, max: round % 10 === 9 ? 20_000 : 2_000 },
          answerTokens: { min: 20, max: 160 },
          when: { since: "opened", minMs: 200, maxMs: 4_000 },
        });
        total.streams += streams.streams;
        total.carriedOn += streams.carriedOn;
        total.endedClearly += streams.endedClearly;
        total.broken += streams.streams - streams.perfect;
        for (const kind of ["tokens", "lost", "doubled", "foreign", "mixed"] as const) total[kind] += streams[kind];
        for (const { stream, problems } of streams.failures)
          process.stderr.write(`${preset}, ${fault}: ${stream}: ${problems.join("; ")}\n`);
      }
    } finally {
      await session.close();
    }
  }
  const { streams, carriedOn, endedClearly, tokens } = total;
  const how = `${streams} streams, ${carriedOn} carried on or started anew, ${endedClearly} ended by the event, ${tokens} tokens`;
  const zero = (what: string, measured: number, unit: Measurement["unit"]): Measurement => ({
    what,
    measured,
    limit: 0,
    unit,
    how,
  });
  return [
    zero("streams that did not end as they should", total.broken, "streams"),
    zero("tokens lost", total.lost, "tokens"),
    zero("tokens doubled", total.doubled, "tokens"),
    zero("tokens foreign", total.foreign, "tokens"),
    zero("tokens mixed up with reasoning", total.mixed, "tokens"),
  ];
};

/** R1 is served without a tool parser: its calls would be text. */
function callsTools({ world }: RehearsalSession): boolean {
  return world.plan.launch.leader.args.includes("--tool-call-parser");
}
