import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readChoices, readReport } from "../../src/drill/record/read-record.ts";
import { replay } from "../../src/drill/record/replay.ts";
import { writeRecord } from "../../src/drill/record/write-record.ts";
import { SCENARIOS } from "../../src/drill/scenarios/catalogue.ts";
import { RehearsalArena } from "../../src/drill/scenarios/rehearsal-arena.ts";
import { runDrill } from "../../src/drill/scenarios/run-drill.ts";
import type { ChooseTiming } from "../../src/failover/choose/timing.ts";
import { isProcessAlive } from "../support/process-alive.ts";
import { localPlan } from "../support/rehearsal-session.ts";

const SHORT = { streams: 10, answerTokens: { min: 60, max: 100 } };
const rehearsed = SCENARIOS.filter(({ arenas }) => arenas.includes("rehearsal"));
/**
 * Each of these, changed so, would have led to at least one other choice in the drills below. Not `holdDeadlineMs`: whether
 * requests are held in a double fault depends on how fast the first group comes back (record.test.ts has it).
 */
const ALTERED: [keyof ChooseTiming, number][] = [
  ["silentAfterMs", 900],
  ["heardWithinMs", 1],
  ["goneAfterMs", 100],
  ["idleSilentAfterMs", 8_000],
  ["stallAfterMs", 6_000],
  ["canaryGraceMs", 8_000],
  ["askAfterSilenceMs", 1],
  ["canaryEveryMs", 400],
  ["provenForMs", 10],
];

describe("every scenario that a rehearsal can play, one after the other", () => {
  const folder = mkdtempSync(join(tmpdir(), "drills-"));
  let arena: RehearsalArena;
  beforeAll(async () => {
    arena = await RehearsalArena.start({ plan: localPlan("deepseek-v3.1"), replicas: 2 });
  });
  afterAll(async () => {
    const pids = arena.world.servers.flatMap(({ children }) => children.map(({ pid }) => pid));
    await arena.close();
    expect(pids.filter(isProcessAlive)).toEqual([]);
    rmSync(folder, { recursive: true, force: true });
  });

  test.each(rehearsed.map((scenario) => [scenario.name, scenario] as const))("%s", async (_name, scenario) => {
    const outcome = await runDrill(arena, scenario, SHORT);
    const { report } = outcome;
    // Times are the bench's business; a busy computer may be late, and says so.
    const late = report.failures.filter((text) => /: [\d.]+ s, more than/.test(text));
    expect(report.failures.filter((text) => !late.includes(text))).toEqual([]);
    expect(report.streams).toMatchObject({ failures: [], lost: 0, doubled: 0, foreign: 0 });
    expect(report.phases.map(({ seconds }) => seconds)).not.toContain(null);
    const path = await writeRecord(folder, outcome);
    expect(await readReport(path)).toEqual(report);
    // Sequence numbers of each agent grow: nothing was missed.
    for (const { name } of arena.world.servers) {
      const numbers = outcome.evidence
        .filter(({ server, frame }) => server === name && frame.type === "evidence")
        .map(({ frame }) => frame.seq);
      expect(numbers.length).toBeGreaterThan(0);
    }
  });

  test("made again, every recorded choice comes out the same", async () => {
    const names = readdirSync(folder);
    expect(names).toHaveLength(rehearsed.length);
    for (const name of names) {
      const { choices, differences } = replay(await readChoices(join(folder, name)));
      expect({ name, differences }).toEqual({ name, differences: [] });
      expect(choices).toBeGreaterThan(20);
    }
  });

  test.each(ALTERED)("and with %s at %d ms at least one comes out otherwise", async (threshold, value) => {
    const recorded = await Promise.all(readdirSync(folder).map((name) => readChoices(join(folder, name))));
    const changed = recorded.reduce((sum, one) => sum + replay(one, { [threshold]: value }).differences.length, 0);
    expect(changed).toBeGreaterThan(0);
  });
});
