import { SCENARIO_NAMES, type ScenarioName } from "../../report/drill.ts";
import { BUDGETS } from "../budgets.ts";
import type { Scenario } from "./scenario.ts";

const both = ["rehearsal", "cluster"] as const;
/** Between an undone fault and two groups that can serve: the emulated load and the gateway's canaries, with room. */
const REDUNDANT_SECONDS = 60;
const groupBreaks = "streams of group GROUP go on in the other group; until SERVER is repaired there is no standby";

/** Until the broken group is stopped and its pods are gone from the API server: design, section 5. */
const ISOLATED_SECONDS = 10;
/** Until the server is proven harmless: at once by its BMC, or by its own word after a boot of some seconds. */
const FENCED_SECONDS = 30;

/** Long enough to be noticed (0.6 s), and shorter than what the reconciler takes for a lost server (3 s). */
const STANDS_STILL_MS = 2_000;

/** From the fault to the next token, as in budgets.ts; the way to a decision is a part of it. */
const moving = ({ max }: { max: number }): Scenario["budgets"] => ({
  detected: max,
  decided: max,
  "continuation accepted": max,
  "next token": max,
  "old group isolated": Math.max(ISOLATED_SECONDS, 2 * max),
  fenced: FENCED_SECONDS,
  "redundant again": REDUNDANT_SECONDS,
});
const still = { "redundant again": REDUNDANT_SECONDS };

type Entry = Omit<Scenario, "name"> & {
  /** Where a cluster must do it in another way. */
  onCluster?: Partial<Scenario> & Pick<Scenario, "steps">;
};
const moves = (
  cause: Scenario["steps"][0]["cause"],
  budget: { max: number },
  reason: RegExp,
  summary: string,
  arenas: Entry["arenas"] = both,
): Entry => ({
  summary,
  blastRadius: groupBreaks,
  destructive: true,
  steps: [{ cause, on: "active" }],
  outcome: "carried",
  reason,
  budgets: moving(budget),
  arenas,
});

const ENTRIES: Record<ScenarioName, Entry> = {
  "gpu-xid": moves("gpu-xid", BUDGETS["gpu-xid"], /XID/, "a GPU reports a fatal error and its rank hangs"),
  "gpu-lost": moves("gpu-lost", BUDGETS["gpu-xid"], /XID 79/, "a GPU falls off the bus"),
  "ecc-storm": moves("ecc-storm", BUDGETS["gpu-xid"], /XID/, "memory errors flood the kernel log"),
  "rank-crash": moves("rank-crash", BUDGETS["rank-crash"], /rank|engine|connection|process/, "one rank process dies"),
  "engine-hang": moves(
    "engine-hang",
    BUDGETS["engine-hang"],
    /no token|is stopped/,
    "no step finishes any more, sockets stay open",
  ),
  "server-power": moves("server-power", BUDGETS["server-power"], /silent|no token/, "a server loses power"),
  "server-freeze": moves("server-freeze", BUDGETS["server-freeze"], /silent|no token/, "a server freezes"),
  "network-cut": moves("network-cut", BUDGETS["network-cut"], /silent|no token/, "a server loses its network"),
  // The reconciler is sure of the port after 3 s, the gateway of its own tokens after 5 s: whoever is first moves traffic.
  "ib-down": moves(
    "ib-down",
    BUDGETS["engine-hang"],
    /no token|port is down/,
    "an InfiniBand port goes down, ranks wait",
  ),
  "slow-server": {
    summary: "a server gets slow, steps take four times",
    blastRadius: "answers of group GROUP come slower; no request fails",
    destructive: false,
    steps: [{ cause: "slow-server", on: "active" }],
    outcome: "stays",
    budgets: still,
    arenas: both,
  },
  "standby-fault": {
    summary: "a server of the standby loses power",
    blastRadius: "nobody's answer; until SERVER is repaired there is no standby",
    destructive: true,
    steps: [{ cause: "server-power", on: "standby" }],
    outcome: "stays",
    budgets: still,
    arenas: both,
  },
  "double-fault": {
    summary: "a second group fails during the repair",
    blastRadius: "all streams pause until a group is back; new requests wait, and after 15 s are refused",
    destructive: true,
    steps: [
      { cause: "gpu-xid", on: "active" },
      { cause: "gpu-xid", on: "active" },
    ],
    outcome: "twice",
    reason: /XID/,
    // Held for at most 15 s (holdDeadlineMs), then refused: a stream that goes on has gone on by then.
    budgets: { "next token": 15, "redundant again": REDUNDANT_SECONDS },
    arenas: both,
    // A GPU comes back with a boot of half a minute, longer than requests are held. So the second group stands still for a
    // while: nobody serves then, and the only group that is whole must not be taken apart for it.
    onCluster: {
      summary: "a second group stands still while the first is broken",
      blastRadius: "all streams pause until the second group goes on; until SERVER is repaired there is no standby",
      steps: [
        { cause: "gpu-xid", on: "active" },
        { cause: "server-freeze", on: "active", lastsMs: STANDS_STILL_MS },
      ],
      outcome: "held",
      budgets: {
        detected: BUDGETS["gpu-xid"].max,
        decided: BUDGETS["gpu-xid"].max,
        "next token": 15,
        "old group isolated": ISOLATED_SECONDS,
        fenced: FENCED_SECONDS,
        "redundant again": REDUNDANT_SECONDS,
      },
    },
  },
  "gateway-kill": {
    summary: "one replica of the gateway is killed",
    blastRadius: "answers that this replica writes break; the sibling serves on, new requests go to it",
    destructive: true,
    steps: [{ cause: "gateway-kill", on: "gateway" }],
    outcome: "replica",
    // VRRP: design, section 5.
    budgets: { "next token": 3, "redundant again": REDUNDANT_SECONDS },
    arenas: both,
  },
  switchover: {
    summary: "a planned move; nobody's answer is touched",
    blastRadius: "nobody's answer; the other group's prefix cache is cold",
    destructive: false,
    steps: [{ cause: "switchover", on: "nobody" }],
    outcome: "planned",
    budgets: { decided: 1, "redundant again": REDUNDANT_SECONDS },
    arenas: both,
  },
  "api-server-down": {
    summary: "the API server goes away",
    blastRadius: "nobody's answer; nothing is repaired until it is back",
    destructive: true,
    steps: [{ cause: "api-server-down", on: "nobody" }],
    outcome: "stays",
    budgets: still,
    arenas: ["cluster"],
  },
  "reconciler-kill": {
    summary: "the reconciler is killed",
    blastRadius: "nobody's answer; nothing is repaired until its replica has the lease",
    destructive: false,
    steps: [{ cause: "reconciler-kill", on: "nobody" }],
    outcome: "stays",
    budgets: still,
    arenas: ["cluster"],
  },
  "bad-release": {
    summary: "a release that does not start is rolled out",
    blastRadius: "the standby, which is changed first; nobody's answer",
    destructive: true,
    steps: [{ cause: "bad-release", on: "nobody" }],
    outcome: "stays",
    budgets: still,
    arenas: ["cluster"],
  },
};

export const SCENARIOS: readonly Scenario[] = SCENARIO_NAMES.map((name) => scenarioOf(name));

/** One scenario as an arena plays it. */
export function scenarioOf(name: ScenarioName, kind: "rehearsal" | "cluster" = "rehearsal"): Scenario {
  const { onCluster, ...entry } = ENTRIES[name];
  return { name, ...entry, ...(kind === "cluster" ? onCluster : {}) };
}
