import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { blame } from "../../src/health/blame.ts";
import { findingsOf } from "../../src/health/findings.ts";
import { groupVerdict } from "../../src/health/group-verdict.ts";
import { type ServerEvidence, unheard } from "../../src/health/server-evidence.ts";
import type { GroupTraffic, Listening } from "../../src/health/silence.ts";
import { driverAsks, engine, gpus, type Heard, link, play, rank, sxid, xid } from "./support.ts";

type Said = [server: "gpu-a" | "gpu-b", atMs: number, what: Heard];
const servers = ["gpu-a", "gpu-b"] as const;
const hot = gpus({ throttle: ["hw_thermal_slowdown"] });

/** Both servers of the group as one observer heard them, each heard last at `atMs`. */
function heard(said: readonly Said[], atMs = 5_000): ServerEvidence[] {
  return servers.map((name) => {
    const story = said.filter(([server]) => server === name).map(([, at, what]): [number, Heard] => [at, what]);
    return play(name, [...story.toSorted(([a], [b]) => a - b), [atMs, "beat"]]);
  });
}
const blamed = (said: readonly Said[], atMs = 5_000) =>
  blame(
    heard(said, atMs).flatMap((known) => findingsOf(known, atMs)),
    servers,
  );

/** All sixteen ranks end; those of `first` at 0 ms, the others later. */
const allExit = (first: "gpu-a" | "gpu-b", laterMs: number): Said[] =>
  Array.from({ length: 16 }, (_, n): Said => {
    const server = n < 8 ? "gpu-a" : "gpu-b";
    return [server, server === first ? n % 8 : laterMs + (n % 8), rank(n, "exited")];
  });

test.each<{ when: string; said: Said[]; on: string | null; by?: string; victims?: string[] }>([
  {
    when: "one rank ends, its siblings follow",
    said: allExit("gpu-b", 100),
    on: "gpu-b",
    by: "rank-exited",
    victims: ["gpu-a"],
  },
  { when: "the other way round", said: allExit("gpu-a", 100), on: "gpu-a", victims: ["gpu-b"] },
  {
    when: "hardware speaks after the exits of the other server",
    said: [...allExit("gpu-a", 100), ["gpu-b", 3_000, xid(119)]],
    on: "gpu-b",
    by: "xid-119",
    victims: ["gpu-a"],
  },
  {
    when: "hardware against a software crash",
    said: [
      ["gpu-a", 0, xid(31)],
      ["gpu-b", 50, xid(79)],
    ],
    on: "gpu-b",
    by: "xid-79",
  },
  {
    when: "two software crashes: the first",
    said: [
      ["gpu-b", 0, xid(31)],
      ["gpu-a", 50, xid(43)],
    ],
    on: "gpu-b",
    by: "xid-31",
  },
  {
    when: "two hardware faults: the first",
    said: [
      ["gpu-b", 0, xid(79)],
      ["gpu-a", 50, xid(48)],
    ],
    on: "gpu-b",
    by: "xid-79",
    victims: [],
  },
  {
    when: "a fatal NVSwitch error",
    said: [...allExit("gpu-a", 1), ["gpu-b", 9, sxid(20034, true)]],
    on: "gpu-b",
    by: "sxid-20034",
  },
  {
    when: "the noise of a kill",
    said: [...allExit("gpu-b", 100), ["gpu-a", 120, xid(45)]],
    on: "gpu-b",
    by: "rank-exited",
  },
  {
    when: "a GPU that is gone",
    said: [...allExit("gpu-a", 10), ["gpu-b", 900, gpus({}, 7)]],
    on: "gpu-b",
    by: "gpu-lost",
  },
  {
    when: "a port that is down, not confirmed yet",
    said: [...allExit("gpu-a", 10), ["gpu-b", 4_900, link("down", 1)]],
    on: "gpu-b",
    by: "ib-port-down",
  },
  {
    when: "a rank that stands still",
    said: [
      ["gpu-b", 0, rank(9, "stopped")],
      ["gpu-a", 900, engine("unhealthy")],
    ],
    on: "gpu-b",
    by: "rank-stopped",
  },
  {
    when: "a hang that one hot server may explain",
    said: [
      ["gpu-a", 0, engine("unhealthy")],
      ["gpu-b", 0, hot],
    ],
    on: "gpu-b",
    by: "thermal-throttle",
  },
  {
    when: "a hang that two hot servers may explain",
    said: [
      ["gpu-a", 0, engine("unhealthy")],
      ["gpu-a", 0, hot],
      ["gpu-b", 0, hot],
    ],
    on: null,
  },
  { when: "a hang that nothing explains", said: [["gpu-a", 0, engine("unhealthy")]], on: null },
  { when: "only heat, and it serves", said: [["gpu-b", 0, hot]], on: null },
  { when: "a remap that waits", said: [["gpu-b", 0, xid(63)]], on: null },
  { when: "nothing", said: [], on: null },
])("$when: $on", ({ said, on, by, victims }) => {
  const result = blamed(said);
  expect(result?.server ?? null).toBe(on);
  if (by !== undefined) expect(result?.finding.code).toBe(by);
  if (victims !== undefined) expect(result?.victims).toEqual(victims);
});

describe("when all sixteen ranks end within a second", () => {
  /** Any order, any times within the second, ties included. */
  const exits = fc
    .tuple(
      fc.shuffledSubarray([...Array(16).keys()], { minLength: 16 }),
      fc.array(fc.nat(999), { minLength: 16, maxLength: 16 }),
    )
    .map(([order, times]) => {
      const sorted = times.toSorted((a, b) => a - b);
      return order.map((n, place): Said => [n < 8 ? "gpu-a" : "gpu-b", sorted[place] ?? 0, rank(n, "exited")]);
    });

  test("exactly one server is blamed: the one of the first exit", () => {
    fc.assert(
      fc.property(exits, fc.nat(), (said, turn) => {
        const findings = heard(said).flatMap((known) => findingsOf(known, 5_000));
        const turned = [...findings.slice(turn % 16), ...findings.slice(0, turn % 16)];
        const result = blame(turned, servers);
        expect(result).toEqual(blame(findings, servers));
        const firstMs = Math.min(...said.map(([, at]) => at));
        const first = new Set(said.filter(([, at]) => at === firstMs).map(([server]) => server as string));
        expect(first.has(result?.server ?? "")).toBe(true);
        expect(result?.victims).toEqual(servers.filter((name) => name !== result?.server));
      }),
    );
  });

  test("hardware evidence wins wherever and whenever it comes", () => {
    const hardware = fc.constantFrom<Heard>(
      xid(79),
      xid(48),
      xid(119),
      sxid(20034, true),
      gpus({}, 7),
      driverAsks("node-reboot"),
    );
    fc.assert(
      fc.property(exits, hardware, fc.constantFrom(...servers), fc.nat(4_900), (said, what, server, atMs) => {
        expect(blamed([...said, [server, atMs, what]])?.server).toBe(server);
      }),
    );
  });
});

describe("the verdict on a group", () => {
  const idle: GroupTraffic = { lastTokenMs: null, unansweredCanarySinceMs: null };
  const verdict = (
    said: readonly Said[],
    { atMs = 5_000, traffic = idle, everyone = heard(said, atMs), listening = null as Listening | null } = {},
  ) => {
    const members = everyone.filter(({ server }) => (servers as readonly string[]).includes(server));
    return groupVerdict({ group: "a", members, everyone, traffic, atMs, listening });
  };

  test.each<{ when: string; said: Said[]; then: object }>([
    { when: "nothing is wrong", said: [], then: { state: "healthy", remedy: null, blame: null } },
    {
      when: "a software crash",
      said: allExit("gpu-b", 100),
      then: { state: "suspect", remedy: "restart-group", blame: { server: "gpu-b" } },
    },
    {
      when: "a GPU off the bus",
      said: [...allExit("gpu-a", 100), ["gpu-b", 900, xid(79)]],
      then: { state: "suspect", remedy: "failover-reboot", sinceMs: 0, blame: { server: "gpu-b" } },
    },
    {
      when: "the driver asks for less than we would",
      said: [
        ["gpu-b", 0, xid(79)],
        ["gpu-b", 9, driverAsks("gpu-reset")],
      ],
      then: { remedy: "failover-reset", blame: { server: "gpu-b", finding: { code: "xid-154" } } },
    },
    {
      when: "a hang on a hot server: no reset for heat",
      said: [
        ["gpu-a", 0, engine("unhealthy")],
        ["gpu-b", 0, hot],
      ],
      then: { state: "suspect", remedy: "restart-group", blame: { server: "gpu-b" } },
    },
    {
      when: "a hang that nothing explains",
      said: [["gpu-a", 0, engine("unhealthy")]],
      then: { state: "suspect", remedy: "restart-group", blame: null },
    },
    { when: "an engine that loads", said: [["gpu-a", 0, engine("starting")]], then: { state: "starting" } },
    {
      when: "a remap that waits",
      said: [["gpu-b", 7, xid(63)]],
      then: { state: "watch", wantsSwitch: false, sinceMs: 7 },
    },
  ])("$when", ({ said, then }) => expect(verdict(said)).toMatchObject(then));

  const twice: Said[] = [
    ["gpu-b", 0, rank(9, "running", 11)],
    ["gpu-b", 5, xid(31)],
    ["gpu-b", 20, rank(9, "running", 12)],
    ["gpu-b", 1_000, xid(31)],
  ];
  test.each<{ when: string; said: Said[]; lastTokenMs: number | null; then: object }>([
    {
      when: "tokens go on after it",
      said: [["gpu-b", 1_000, xid(31)]],
      lastTokenMs: 4_900,
      then: { state: "healthy" },
    },
    {
      when: "tokens go on after it, and the GPU wears just now",
      said: [
        ["gpu-b", 1_000, xid(31)],
        ["gpu-b", 4_800, xid(63)],
      ],
      lastTokenMs: 4_900,
      then: { state: "healthy" },
    },
    {
      when: "no token came since",
      said: [["gpu-b", 1_000, xid(31)]],
      lastTokenMs: 990,
      then: { state: "suspect", remedy: "restart-group" },
    },
    {
      when: "what came since may have been under way",
      said: [["gpu-b", 1_000, xid(31)]],
      lastTokenMs: 2_000,
      then: { state: "suspect", remedy: "restart-group" },
    },
    { when: "the second on one GPU, and tokens go on", said: twice, lastTokenMs: 4_900, then: { state: "healthy" } },
    {
      when: "the second on one GPU",
      said: twice,
      lastTokenMs: 990,
      then: { state: "suspect", remedy: "failover-reset", blame: { server: "gpu-b" } },
    },
    {
      when: "a GPU that needs a reset, whatever tokens say",
      said: [["gpu-b", 1_000, xid(95)]],
      lastTokenMs: 4_900,
      then: { state: "suspect", remedy: "failover-reset" },
    },
  ])("the kernel tells of a process that ends: $when", ({ said, lastTokenMs, then }) => {
    expect(verdict(said, { traffic: { lastTokenMs, unansweredCanarySinceMs: null } })).toMatchObject(then);
  });

  test("all that an observer missed while it stood still is of one moment: the new process answers the line", () => {
    const missed: Said[] = [xid(31), rank(9, "exited", 11), rank(9, "running", 12)].map((what) => [
      "gpu-b",
      1_000,
      what,
    ]);
    const said: Said[] = [["gpu-b", 0, rank(9, "running", 11)], ...missed, ["gpu-b", 4_900, xid(63)]];
    expect(verdict(said)).toMatchObject({ state: "watch", blame: null });
  });

  test("heat that lasts is worth a planned switch, not an alarm", () => {
    expect(verdict([["gpu-b", 0, hot]], { atMs: 31_000 })).toMatchObject({
      state: "watch",
      wantsSwitch: true,
      remedy: null,
    });
  });

  test("exits of another group's ranks on the same server say nothing about this one", () => {
    const other = { ...(rank(1, "exited") as object), group: "b" } as Heard;
    expect(verdict([["gpu-b", 0, other]])).toMatchObject({ state: "healthy" });
  });

  test("a change of reason keeps the first bad moment", () => {
    const stopped: Said[] = [["gpu-b", 0, rank(9, "stopped")]];
    const first = verdict(stopped);
    const said: Said[] = [
      ...stopped,
      ["gpu-b", 6_000, rank(9, "exited")],
      ["gpu-b", 6_000, rank(9, "running", 7)],
      ["gpu-b", 6_001, rank(10, "exited")],
    ];
    const everyone = heard(said, 9_000);
    const second = groupVerdict({
      group: "a",
      members: everyone,
      everyone,
      traffic: idle,
      atMs: 9_000,
      previous: first,
    });
    expect(first).toMatchObject({ state: "suspect", sinceMs: 0, blame: { finding: { code: "rank-stopped" } } });
    expect(second).toMatchObject({ state: "suspect", sinceMs: 0, blame: { finding: { code: "rank-exited" } } });
  });

  describe("silence", () => {
    /** gpu-b is heard until 1,000 ms, everybody else until `othersMs`. */
    const silent = (othersMs: number, unheard: "gpu-a" | "gpu-b" = "gpu-b") => {
      const lastMs = (name: string) => (name === unheard ? 1_000 : othersMs);
      return [...servers, "gpu-c"].map((name) =>
        play(name, [
          [0, gpus()],
          [lastMs(name), "beat"],
        ]),
      );
    };
    test.each<{
      when: string;
      everyone: ServerEvidence[];
      atMs: number;
      lastTokenMs: number | null;
      canaryMs?: number;
      owesNone?: boolean;
      then: object;
    }>([
      {
        when: "no beat and no token for 600 ms",
        everyone: silent(1_610),
        atMs: 1_610,
        lastTokenMs: 1_005,
        then: { state: "suspect", sinceMs: 1_005, remedy: "failover-reboot", blame: { server: "gpu-b" } },
      },
      {
        when: "no token, and its group loads: it owes none",
        everyone: silent(9_000),
        atMs: 9_000,
        lastTokenMs: 1_005,
        owesNone: true,
        then: { state: "blind", blame: null },
      },
      {
        when: "tokens flow",
        everyone: silent(9_000),
        atMs: 9_000,
        lastTokenMs: 8_990,
        then: { state: "blind", blame: null },
      },
      {
        when: "nobody is heard: the observer stalled",
        everyone: silent(1_000),
        atMs: 9_000,
        lastTokenMs: 1_000,
        then: { state: "blind", blame: null },
      },
      {
        when: "idle, and no canary was asked",
        everyone: silent(9_000),
        atMs: 9_000,
        lastTokenMs: null,
        then: { state: "blind" },
      },
      {
        when: "idle, and the canary gets no answer",
        everyone: silent(9_000),
        atMs: 9_000,
        lastTokenMs: null,
        canaryMs: 2_000,
        then: { state: "suspect", blame: { server: "gpu-b" } },
      },
      {
        when: "rank 0's server",
        everyone: silent(1_700, "gpu-a"),
        atMs: 1_700,
        lastTokenMs: 1_000,
        then: { state: "suspect", blame: { server: "gpu-a" } },
      },
    ])("$when", ({ everyone, atMs, lastTokenMs, canaryMs = null, owesNone = false, then }) => {
      const traffic = { lastTokenMs, unansweredCanarySinceMs: canaryMs, owesNone };
      expect(verdict([], { atMs, everyone, traffic })).toMatchObject(then);
    });

    const unanswered = { lastTokenMs: null, unansweredCanarySinceMs: 2_000 };
    const withGateways = (sinceMs: number, heardMs: number | null, isGone = false): Listening => ({
      sinceMs,
      witnesses: new Map(heardMs === null ? [] : [["gpu-b", { heardMs, isGone }]]),
    });
    test.each([
      { when: "a gateway hears it: the link to us is down", heardMs: 8_500, then: { state: "blind", blame: null } },
      { when: "no gateway hears it either", heardMs: 1_200, then: { state: "suspect", sinceMs: 1_200 } },
      { when: "no gateway can say", heardMs: null, then: { state: "blind", blame: null } },
      { when: "the gateways had lost it while we heard it", heardMs: -700, then: { state: "blind", blame: null } },
      {
        when: "the last gateway heard it long after we did, and is gone",
        heardMs: 5_000,
        isGone: true,
        then: { state: "blind", blame: null },
      },
      {
        when: "the last gateway heard it when we did, and is gone",
        heardMs: 1_200,
        isGone: true,
        then: { state: "blind", blame: null },
      },
    ])("the group is silent too, and $when", ({ heardMs, isGone, then }) => {
      const listening = withGateways(0, heardMs, isGone);
      expect(verdict([], { atMs: 9_000, everyone: silent(9_000), traffic: unanswered, listening })).toMatchObject(then);
    });

    test.each([
      {
        when: "the gateways have heard it before",
        sinceMs: 6_000,
        heardMs: 1_200,
        then: { blame: { server: "gpu-b" } },
      },
      { when: "everybody starts at once: it may be on its way", sinceMs: 6_000, heardMs: null, then: { blame: null } },
      { when: "we have just begun to listen", sinceMs: 6_001, heardMs: 1_200, then: { blame: null } },
      { when: "a gateway hears it", sinceMs: 0, heardMs: 8_900, then: { blame: null } },
    ])("never heard by us, and $when", ({ sinceMs, heardMs, then }) => {
      const everyone = silent(9_000).map((one) => (one.server === "gpu-b" ? unheard("gpu-b") : one));
      const listening = withGateways(sinceMs, heardMs);
      expect(verdict([], { atMs: 9_000, everyone, traffic: unanswered, listening })).toMatchObject(then);
    });

    test.each([
      { when: "tokens have come since", lastTokenMs: 8_990, then: { state: "blind", blame: null } },
      { when: "none has", lastTokenMs: 900, then: { state: "suspect", blame: { server: "gpu-b" } } },
    ])("a server said that its rank is stopped, is not heard any more, and $when", ({ lastTokenMs, then }) => {
      const everyone = [
        play("gpu-a", [[9_000, "beat"]]),
        play("gpu-b", [
          [1_000, rank(1, "stopped")],
          [5_000, "beat"],
        ]),
      ];
      const traffic = { lastTokenMs, unansweredCanarySinceMs: null };
      expect(verdict([], { atMs: 9_000, everyone, traffic })).toMatchObject(then);
    });

    test.each([
      { when: "tokens have come since", what: link("down", 1), lastTokenMs: 8_990, then: { state: "blind" } },
      {
        when: "tokens have come since, though its group is not called ready",
        what: link("down", 1),
        lastTokenMs: 8_990,
        owesNone: true,
        then: { state: "blind" },
      },
      { when: "none has", what: link("down", 1), lastTokenMs: 900, then: { blame: { server: "gpu-b" } } },
      { when: "it was a GPU that broke", what: xid(79), lastTokenMs: 8_990, then: { blame: { server: "gpu-b" } } },
    ])(
      "a server said that a port is down, is not heard any more, and $when",
      ({ what, lastTokenMs, owesNone = false, then }) => {
        const everyone = [
          play("gpu-a", [[9_000, "beat"]]),
          play("gpu-b", [
            [1_000, what],
            [5_000, "beat"],
          ]),
        ];
        const traffic = { lastTokenMs, unansweredCanarySinceMs: null, owesNone };
        expect(verdict([], { atMs: 9_000, everyone, traffic })).toMatchObject(then);
      },
    );

    test("a server long unheard while tokens flowed is not blamed for a crash elsewhere", () => {
      const everyone = [
        play("gpu-a", [
          [0, gpus()],
          [8_000, rank(1, "exited")],
          [9_000, "beat"],
        ]),
        play("gpu-b", [[1_000, "beat"]]),
      ];
      const traffic = { lastTokenMs: 8_000, unansweredCanarySinceMs: null };
      expect(verdict([], { atMs: 9_000, everyone, traffic })).toMatchObject({
        state: "suspect",
        blame: { server: "gpu-a" },
      });
    });
  });
});
