import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Evidence } from "../../src/health/evidence.ts";
import { findingsOf } from "../../src/health/findings.ts";
import { hearBeat, hearConnection, hearEvidence, hearHello, treat } from "../../src/health/hear.ts";
import { parseKernelLine } from "../../src/health/kernel-line.ts";
import { noteRate } from "../../src/health/rates.ts";
import { DEFAULT_HEALTH_RULES } from "../../src/health/rules.ts";
import { type Piece, type ServerEvidence, unheard } from "../../src/health/server-evidence.ts";
import { condition, driverAsks, engine, gpus, type Heard, link, play, rank, xid } from "./support.ts";

const codes = (known: ServerEvidence, atMs: number) => findingsOf(known, atMs).map(({ code }) => code);
const minute = 60_000;

describe("treatments", () => {
  test.each<{ when: string; story: [number, Heard][]; then: string[] }>([
    {
      when: "a new process answers a software crash",
      story: [
        [0, rank(1, "running", 11)],
        [5, xid(13)],
        [10, rank(1, "exited", 11)],
        [20, rank(1, "running", 12)],
      ],
      then: [],
    },
    {
      when: "but not for another rank",
      story: [
        [0, rank(1, "running", 11)],
        [10, rank(2, "exited", 9)],
        [20, rank(1, "running", 12)],
      ],
      then: ["rank-exited"],
    },
    {
      when: "a new process mends no hardware",
      story: [
        [0, rank(1, "running", 11)],
        [5, xid(79)],
        [20, rank(1, "running", 12)],
      ],
      then: ["xid-79"],
    },
    {
      when: "a reboot answers exits",
      story: [
        [0, rank(1, "exited", 11)],
        [20, { boot: "boot-2" }],
      ],
      then: [],
    },
    {
      when: "a second crash after a restart is hardware",
      story: [
        [0, rank(1, "running", 11)],
        [5, xid(13)],
        [20, rank(1, "running", 12)],
        [30, xid(31)],
      ],
      then: ["xid-31"],
    },
  ])("$when", ({ story, then }) => expect(codes(play("gpu-a", story), 60)).toEqual(then));

  test("that second crash asks for a reset", () => {
    const known = play("gpu-a", [
      [0, rank(1, "running", 11)],
      [5, xid(13)],
      [20, rank(1, "running", 12)],
      [30, xid(31)],
    ]);
    expect(findingsOf(known, 60)).toMatchObject([{ code: "xid-31", remedy: "failover-reset", sinceMs: 30 }]);
  });

  test.each([
    { what: "reset", cures: [94, 63, 48] },
    { what: "reboot", cures: [94, 63, 48, 79] },
    { what: "repair", cures: [94, 63, 48, 79, 74] },
    { what: "planned-stop", cures: [94] },
  ] as const)("a $what cures XID $cures", ({ what, cures }) => {
    for (const code of [94, 63, 48, 79, 74]) {
      const known = treat(play("gpu-a", [[0, xid(code)]]), { atMs: 10, what });
      expect(codes(known, 20), `XID ${code}`).toEqual(cures.includes(code as never) ? [] : [`xid-${code}`]);
    }
  });

  test("a boot goes on curing what it cured, however often the group is started anew", () => {
    let known = treat(play("gpu-a", [[0, xid(79)]]), { atMs: 10, what: "reboot" });
    for (let start = 1; start <= 20; start++)
      for (let number = 0; number < 16; number++)
        known = hearEvidence(
          known,
          { seq: 100 * start + number, monoMs: 0, evidence: rank(number, "running", 1_000 * start + number) },
          100 * start,
        );
    expect(codes(known, 10_000)).toEqual([]);
    expect(known.treatments.length).toBeLessThan(100);
  });

  test("a planned stop accounts for the exits before it, not for those after", () => {
    const stopped = treat(play("gpu-a", [[0, rank(1, "exited")]]), { atMs: 10, what: "planned-stop" });
    expect(codes(stopped, 20)).toEqual([]);
    expect(codes(hearEvidence(stopped, { seq: 9, monoMs: 0, evidence: rank(2, "exited") }, 20), 20)).toEqual([
      "rank-exited",
    ]);
  });
});

test("a flood that lasts is one crash, not a second one, though its middle is forgotten", () => {
  const flood = Array.from({ length: 600 }, (_, n): [number, Heard] => [n * 1_000, xid(13)]);
  const known = play("gpu-a", flood);
  expect(findingsOf(known, 600_000)).toMatchObject([{ code: "xid-13", remedy: "restart-group", sinceMs: 0 }]);
  expect(known.pieces.length).toBeLessThan(4);
});

describe("connections", () => {
  const crash = xid(79);
  test("an event that a new agent tells again is the same event", () => {
    const known = play("gpu-a", [
      [0, crash],
      [5_000, { agent: "agent-2" }],
      [5_001, crash],
    ]);
    expect(findingsOf(known, 6_000)).toMatchObject([{ sinceMs: 0 }]);
    expect(known.pieces).toHaveLength(1);
  });

  test("state that a snapshot does not repeat is no longer so; events stay", () => {
    const known = play("gpu-a", [
      [0, gpus({ remappedRowsPending: true })],
      [1, crash],
      [5_000, { agent: "agent-2" }],
    ]);
    expect(codes(known, 5_000)).toEqual(["xid-79", "row-remap-pending"]);
    expect(codes(hearBeat(known, { seq: 2 }, 5_010), 5_010)).toEqual(["xid-79"]);
  });

  test("state that it repeats keeps its first bad moment", () => {
    const hot = gpus({ throttle: ["hw_thermal_slowdown"] });
    const known = play("gpu-a", [
      [0, hot],
      [5_000, { agent: "agent-2" }],
      [5_001, hot],
      [5_002, "beat"],
    ]);
    expect(findingsOf(known, 5_002)).toMatchObject([{ code: "thermal-throttle", sinceMs: 0 }]);
  });

  test("a resumed connection voids nothing", () => {
    const known = play("gpu-a", [
      [0, link("down", 1)],
      [1, "beat"],
    ]);
    const resumed = hearHello(
      known,
      { bootId: "boot-1", agent: "agent-1", heartbeatMs: 250, start: "resumed", seq: 1, monoMs: 9_000 },
      9_000,
    );
    expect(codes(hearBeat(resumed, { seq: 1 }, 9_001), 9_001)).toEqual(["ib-port-down"]);
  });

  test("a connection is lost once, however often one hears of it; the newest reason says what to do", () => {
    const lost = hearConnection(unheard("gpu-a"), "lost", "reset", 5);
    const answer = "the agent answered 401";
    expect(hearConnection(lost, "lost", answer, 9).connection).toMatchObject({ sinceMs: 5, reason: answer });
  });
});

describe("who comes later knows since when", () => {
  /** An observer that connects when the agent's clock says 10,000,000 ms, at 500 ms of its own. */
  const greet = (known = unheard("gpu-a"), start: "snapshot" | "resumed" = "snapshot", agent = "agent-1") =>
    hearHello(known, { bootId: "boot-1", agent, heartbeatMs: 250, start, seq: 10, monoMs: 10_000_000 }, 500);
  const tell = (known: ServerEvidence, seq: number, monoMs: number, evidence: Evidence, atMs = 501) =>
    hearEvidence(known, { seq, monoMs, evidence }, atMs);
  const lineAt = (code: number, uptimeMs: number): Evidence => {
    const evidence = xid(code);
    if (evidence.kind === "kernel-log") evidence.line.uptimeUs = uptimeMs * 1_000;
    return evidence;
  };
  const hour = 3_600_000;

  test("a port that is down for ten minutes is down since then", () => {
    const known = tell(greet(), 4, 10_000_000 - 10 * minute, link("down", 1));
    expect(findingsOf(known, 502)).toMatchObject([
      { code: "ib-port-down", sinceMs: 500 - 10 * minute, confirmed: true },
    ]);
  });

  test("a crash of an hour ago that was answered is no fault any more", () => {
    const crash = tell(greet(), 4, 10_000_000 - hour, lineAt(94, 10_000_000 - hour));
    expect(codes(crash, 502)).toEqual(["xid-94"]);
    const exit = tell(crash, 5, 10_000_010 - hour, rank(3, "exited", 7));
    expect(codes(tell(exit, 6, 10_090_000 - hour, rank(3, "running", 8)), 502)).toEqual([]);
  });

  test("nor is it when a new agent reads it again, and the rank says when it started", () => {
    const read = tell(greet(), 11, 10_000_001, lineAt(94, 10_000_000 - hour), 502);
    expect(findingsOf(read, 503)).toMatchObject([{ code: "xid-94", sinceMs: 500 - hour }]);
    const early = { ...rank(3, "running"), startedMonoMs: 10_000_000 - 2 * hour } as Evidence;
    const late = { ...rank(3, "running"), startedMonoMs: 10_000_000 - hour / 2 } as Evidence;
    expect(codes(tell(read, 12, 10_000_002, early, 503), 504)).toEqual(["xid-94"]);
    expect(codes(tell(read, 12, 10_000_002, late, 503), 504)).toEqual([]);
  });

  test("what was missed is no older than our last word from the server", () => {
    const heard = hearBeat(greet(), { seq: 10 }, 400);
    const known = tell(greet(heard, "resumed"), 9, 0, rank(3, "exited"));
    expect(findingsOf(known, 502)).toMatchObject([{ code: "rank-exited", sinceMs: 400 }]);
  });

  test("what the kernel has told since a boot is of after it, though the boot is heard of later", () => {
    const before = tell(hearBeat(greet(), { seq: 10 }, 600), 11, 10_000_100, lineAt(95, 10_000_090), 600);
    // It has run for 60 ms when we hear it again, at 20,000 ms of our own.
    const hello = {
      bootId: "boot-2",
      agent: "agent-2",
      heartbeatMs: 250,
      start: "snapshot" as const,
      seq: 1,
      monoMs: 60,
    };
    const booted = hearHello(before, hello, 20_000);
    expect(codes(booted, 20_001)).toEqual([]);
    const known = tell(booted, 1, 50, lineAt(95, 40), 20_001);
    expect(findingsOf(known, 20_002)).toMatchObject([{ code: "xid-95", sinceMs: 19_980 }]);
  });

  test("once the agent has settled no other clock is asked", () => {
    const known = tell(greet(), 99, 3, lineAt(79, 2), 9_000);
    expect(findingsOf(known, 9_001)).toMatchObject([{ code: "xid-79", sinceMs: 9_000 }]);
  });
});

describe("a slow engine", () => {
  const { slowAfterMs } = DEFAULT_HEALTH_RULES;
  /** One sample a second: `rates[i]` tokens per second for each of `running` streams. */
  const run = (rates: readonly number[], running = 8) => {
    let tokens = 0;
    return play(
      "gpu-a",
      rates.map((rate, second): [number, Heard] => {
        tokens += rate * running;
        return [second * 1_000, engine("serving", tokens, running)];
      }),
    );
  };
  const steady = (rate: number, seconds: number) => Array.from({ length: seconds }, () => rate);

  test.each([
    { when: "half its rate for a minute", rates: [...steady(40, 60), ...steady(20, 60)], found: true },
    { when: "half its rate for ten seconds", rates: [...steady(40, 60), ...steady(20, 10)], found: false },
    { when: "four fifths for an hour", rates: [...steady(40, 60), ...steady(32, 3_600)], found: false },
    { when: "slow from the start: there is nothing to compare with", rates: steady(3, 300), found: false },
    { when: "a stall of 4 s", rates: [...steady(40, 60), ...steady(0, 4), ...steady(40, 40)], found: false },
    { when: "slow and then well again", rates: [...steady(40, 60), ...steady(20, 60), ...steady(40, 3)], found: false },
    {
      when: "slow for an hour: that does not become the norm",
      rates: [...steady(40, 60), ...steady(20, 3_600)],
      found: true,
    },
  ])("$when: $found", ({ rates, found }) => {
    const known = run(rates);
    const atMs = (rates.length - 1) * 1_000;
    const slow = findingsOf(known, atMs).filter(({ code, confirmed }) => code === "straggler" && confirmed);
    expect(slow.map(({ moves }) => moves)).toEqual(found ? ["planned"] : []);
    if (found) expect(slow[0]?.sinceMs).toBe(59_000);
  });

  test("a bigger batch is slower for each stream, and that is no fault", () => {
    const one = run(steady(60, 60), 1);
    const story = Array.from({ length: 60 }, (_, n): [number, Heard] => [
      60_000 + n * 1_000,
      engine("serving", 3_600 + n * 640, 64),
    ]);
    expect(codes(play("gpu-a", story, { start: one }), 60_000 + slowAfterMs + 29_000)).not.toContain("straggler");
  });

  type EngineWord = Extract<Evidence, { kind: "engine" }>;
  /** Looks every half second at a counter of written tokens that grows every 40 steps; the steps take `stepMs(atMs)`. */
  const inSteps = (seconds: number, stepMs: (atMs: number) => number, readTokens = (_: number) => 0) => {
    let [decodedTotal, dueMs] = [0, 0];
    return Array.from({ length: 2 * seconds }, (_, n): [number, Heard] => {
      const atMs = n * 500;
      for (; dueMs <= atMs; dueMs += 40 * stepMs(dueMs)) decodedTotal += 40 * 8;
      return [atMs, { ...(engine("serving", decodedTotal + readTokens(atMs), 8) as EngineWord), decodedTotal }];
    });
  };

  test.each([
    { when: "steps of 10 ms", ms: 10, then: 10, found: false },
    { when: "steps of 27 ms", ms: 27, then: 27, found: false },
    { when: "steps of 90 ms", ms: 90, then: 90, found: false },
    { when: "steps that take twice as long from a time on", ms: 27, then: 54, found: true },
    { when: "long steps that take twice as long from a time on", ms: 60, then: 120, found: true },
  ])("a counter that grows every 40 steps: $when", ({ ms, then, found }) => {
    const story = inSteps(400, (atMs) => (atMs < 250_000 ? ms : then));
    for (let until = 300; until <= 800; until += 1) {
      const known = play("gpu-a", story.slice(0, until));
      const slow = findingsOf(known, known.lastHeardMs ?? 0).some((one) => one.code === "straggler" && one.confirmed);
      if (slow) {
        expect(found, `after ${until / 2} s`).toBe(true);
        return;
      }
    }
    expect(found).toBe(false);
  });

  test("what it reads is another work: a long prompt makes no second the fastest of all", () => {
    const story = inSteps(
      200,
      () => 27,
      (atMs) => (atMs >= 20_000 ? 32_000 : 0),
    );
    expect(codes(play("gpu-a", story), 200_000)).not.toContain("straggler");
  });

  test("prompts that are read one after the other make others slower, and that is no fault; more of it is", () => {
    // From a minute on 20,000 tokens are read a second, and the steps take twice as long; they take four times as long in the end.
    const reads = (atMs: number) => 20 * Math.max(0, atMs - 60_000);
    const story = inSteps(400, (atMs) => (atMs < 60_000 ? 27 : atMs < 250_000 ? 54 : 108), reads);
    const codesBy = (ms: number) => codes(play("gpu-a", story.slice(0, ms / 500)), ms);
    for (let ms = 60_000; ms <= 250_000; ms += 10_000) expect(codesBy(ms), `after ${ms} ms`).not.toContain("straggler");
    expect(codesBy(300_000)).toContain("straggler");
  });

  test("an engine that is gone is slow no more: the next one may have its leader on another server", () => {
    const known = run([...steady(40, 60), ...steady(3, 60)]);
    const slow = (heard: typeof known) =>
      findingsOf({ ...heard, lastHeardMs: 300_000 }, 300_000).some(({ code }) => code === "straggler");
    const ended: Heard = { kind: "engine-process", group: "a", pid: 50, state: "exited" };
    expect(slow(known)).toBe(true);
    expect(slow(play("gpu-a", [[125_000, ended]], { start: known }))).toBe(false);
    expect(slow(treat(known, { atMs: 125_000, what: "planned-stop" }))).toBe(false);
  });

  test("a new engine starts a new count", () => {
    const { rates } = run([...steady(40, 60), ...steady(20, 60)]);
    const other = { ...(engine("serving", 5) as EngineWord), instance: "2" };
    expect(noteRate(rates, other, 121_000, 1, DEFAULT_HEALTH_RULES).slow).toBeNull();
  });
});

const anything = fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true });
const kinds = [
  "kernel-log",
  "gpus",
  "monitor",
  "link",
  "rank",
  "engine-process",
  "engine",
  "service",
  "condition",
  "new",
];
const said: fc.Arbitrary<Evidence> = fc.oneof(
  fc.constantFrom(13, 31, 45, 48, 63, 79, 92, 94, 119).chain((code) => fc.nat(2).map((gpu) => xid(code, gpu))),
  fc.constantFrom("none" as const, "gpu-reset" as const, "node-reboot" as const).map((action) => driverAsks(action)),
  fc
    .record({
      remappedRowsPending: fc.boolean(),
      pcieWidth: fc.constantFrom(8, 16),
      nvlinksActive: fc.constantFrom(17, 18),
    })
    .map((change) => gpus(change)),
  fc
    .tuple(fc.nat(3), fc.constantFrom("running" as const, "stopped" as const, "exited" as const), fc.nat(3))
    .map(([number, state, pid]) => rank(number, state, pid)),
  fc
    .tuple(fc.constantFrom("serving" as const, "unreachable" as const, "starting" as const), fc.nat(2), fc.nat(1))
    .map(([state, tokens, running]) => engine(state, tokens, running)),
  fc.constantFrom(condition("KernelDeadlock", "True"), condition("KernelDeadlock", "False")),
);

/** Any story: gaps of moments or of minutes, reboots and restarts of the agent in between. */
const story = fc
  .array(
    fc.tuple(
      fc.oneof(fc.nat(400), fc.nat(4 * minute)),
      fc.oneof(
        { weight: 12, arbitrary: said as fc.Arbitrary<Heard | "down"> },
        { weight: 3, arbitrary: fc.constant<Heard | "down">("down") },
        { weight: 2, arbitrary: fc.constant<Heard | "down">("beat") },
        {
          weight: 1,
          arbitrary: fc.constantFrom<Heard>({ agent: "agent-2" }, { boot: "boot-2" }, { agent: "agent-3" }),
        },
      ),
    ),
    { maxLength: 60 },
  )
  .map((steps) => {
    let at = 0;
    let downs = 0;
    return steps.map(([gap, what]): [number, Heard] => {
      at += gap;
      if (what !== "down") return [at, what];
      downs += 1;
      return [at, link(downs % 2 === 0 ? "up" : "down", downs)];
    });
  });

describe("for every story", () => {
  test("nothing that arrives throws, whatever it is", () => {
    const nearly = fc
      .tuple(
        fc.constantFrom(...kinds),
        fc.dictionary(fc.constantFrom("line", "gpus", "state", "group", "rank", "pid", "expected", "found"), anything),
      )
      .map(([kind, rest]) => ({ kind, ...rest }));
    fc.assert(
      fc.property(fc.array(fc.oneof(anything, nearly), { maxLength: 8 }), (pieces) => {
        let known = play("gpu-a", [[0, "beat"]]);
        for (const [at, evidence] of pieces.entries())
          known = hearEvidence(known, { seq: at, monoMs: at, evidence }, at);
        findingsOf(known, 60_000);
      }),
    );
  });

  test("nor does any line of a kernel log", () => {
    const line = fc
      .tuple(fc.nat(20), fc.nat(400), fc.string({ maxLength: 80 }))
      .map(([priority, code, rest]) => `${priority},1,2,-;NVRM: Xid (PCI:0000:0b:00): ${code}, ${rest}`);
    fc.assert(
      fc.property(fc.array(line, { maxLength: 20 }), (lines) => {
        let known = play("gpu-a", [[0, "beat"]]);
        for (const [at, text] of lines.entries()) {
          const read = parseKernelLine(text);
          if (read === null) continue;
          known = hearEvidence(
            known,
            { seq: at, monoMs: at, evidence: { kind: "kernel-log", line: { ...read, sequence: at } } },
            at,
          );
        }
        findingsOf(known, 1_000);
      }),
    );
  });

  test("the order of the pieces does not matter", () => {
    fc.assert(
      fc.property(story, fc.nat(), (steps, turn) => {
        const known = play("gpu-a", steps);
        const atMs = (steps.at(-1)?.[0] ?? 0) + 100;
        const cut = known.pieces.length === 0 ? 0 : turn % known.pieces.length;
        const turned = [...known.pieces.slice(cut), ...known.pieces.slice(0, cut)].reverse();
        expect(findingsOf({ ...known, pieces: turned }, atMs)).toEqual(findingsOf(known, atMs));
      }),
    );
  });

  test("forgetting changes no finding, and what is kept is bounded", () => {
    fc.assert(
      fc.property(story, (steps) => {
        const seen = steps.filter(
          ([, what]) => what === "beat" || typeof what !== "object" || !("agent" in what || "boot" in what),
        );
        const numbered = seen.map(([at, what]): [number, Heard] => [at, what]);
        const compacted = play("gpu-a", numbered);
        const atMs = (numbered.at(-1)?.[0] ?? 0) + 100;
        const pieces = numbered.flatMap(([at, what], index): Piece[] =>
          typeof what === "object" && "kind" in what
            ? [{ seq: index, agent: "agent-1", bootId: "boot-1", arrivedMonoMs: at, monoMs: at, evidence: what }]
            : [],
        );
        const told = ({ rests: _, ...finding }: ReturnType<typeof findingsOf>[number]) => finding;
        const all = findingsOf({ ...compacted, pieces: onceOnly(pieces) }, atMs).map(told);
        expect(findingsOf(compacted, atMs).map(told)).toEqual(all);
        expect(compacted.pieces.length).toBeLessThan(120);
      }),
      {
        numRuns: Number(process.env.HEAR_RUNS ?? 500),
        // Found by chance once each, kept for ever.
        examples: [
          [
            [
              [0, rank(0, "exited", 2)],
              [0, rank(0, "running", 0)],
              [0, rank(0, "running", 2)],
            ],
          ],
          [
            [
              [0, rank(0, "stopped", 3)],
              [0, rank(0, "exited", 3)],
            ],
          ],
          [
            [
              [0, rank(0, "stopped", 3)],
              [10, rank(0, "stopped", 3)],
              [20, rank(0, "exited", 3)],
              [30, rank(0, "stopped", 4)],
              [40, rank(0, "stopped", 4)],
            ],
          ],
        ],
      },
    );
  });

  test("a first bad moment never moves while the finding lasts", () => {
    fc.assert(
      fc.property(story, (steps) => {
        let known = play("gpu-a", [[0, "beat"]]);
        let before = new Map<string, number>();
        for (const step of steps) {
          known = play("gpu-a", [step], { start: known });
          const now = new Map(
            findingsOf(known, step[0]).map((finding) => [`${finding.code} ${finding.subject}`, finding.sinceMs]),
          );
          const restarted = typeof step[1] === "object" && ("boot" in step[1] || "agent" in step[1]);
          for (const [key, since] of now) {
            const earlier = before.get(key);
            if (earlier !== undefined && !restarted && !/no-progress|flapping|^xid|^rank/.test(key))
              expect(since, key).toBe(earlier);
            if (earlier !== undefined) expect(since, key).toBeGreaterThanOrEqual(earlier);
          }
          before = now;
        }
      }),
    );
  });
});

/** An exit that is told twice is one exit. */
function onceOnly(pieces: readonly Piece[]): Piece[] {
  const told = new Set<string>();
  return pieces.filter(({ evidence }) => {
    if (evidence.kind !== "rank" || evidence.state !== "exited") return true;
    const key = `${evidence.rank} ${evidence.pid}`;
    if (told.has(key)) return false;
    told.add(key);
    return true;
  });
}

test("a rank that stood still and then ended stands still no more: its exit is all that is left of it", () => {
  const known = play("gpu-a", [
    [0, rank(3, "stopped", 7)],
    [2_000, rank(3, "exited", 7)],
  ]);
  expect(codes(known, 3_000)).toEqual(["rank-exited"]);
});
