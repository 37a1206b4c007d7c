import type { Action } from "../../src/failover/decision.ts";
import type { GroupObserved, Observed, ServerObserved } from "../../src/failover/observed.ts";
import { compareRemedies, type Remedy } from "../../src/health/remedy.ts";

/** What is true of a server, whatever is seen of it. */
interface Truth {
  /** What would mend it; null when it is well. */
  needs: Remedy | null;
  /** Its kernel runs. */
  on: boolean;
  /** Ranks hold its GPUs. */
  busy: boolean;
  /** What is under way, and when it is done. */
  pending: { what: "off" | "reset" | "boot"; atMs: number } | null;
}

/** A small cluster that does what the actions say, in virtual time. */
export interface World {
  seen: Observed;
  truth: Readonly<Record<string, Truth>>;
}

export type Fault = "none" | "wear" | "software" | "reset" | "reboot" | "support" | "power" | "unheard";

export interface Start {
  a: Fault;
  b: Fault;
  ageMs: number;
  bmc: boolean;
  spare: boolean;
  gateways: "none" | "agree" | "moved" | "split";
  failovers: number;
  wanted: "v1" | "v2";
}

/** Nothing is wrong and nothing is asked for. */
export const calm: Start = {
  a: "none",
  b: "none",
  ageMs: 10_000,
  bmc: true,
  spare: false,
  gateways: "agree",
  failovers: 0,
  wanted: "v1",
};

const START_MS = 10_000_000;
const LOAD_MS = 60_000;
/** A killed process lets go of its GPU only when the driver has torn its memory down. */
const EMPTY_MS = 1_000;
const HARDWARE: readonly Fault[] = ["reset", "reboot", "support"];
const NEEDS: Partial<Record<Fault, Remedy>> = {
  wear: "schedule-reset",
  reset: "failover-reset",
  reboot: "failover-reboot",
  support: "failover-support",
  power: "failover-reboot",
};
const well = (sinceMs = 0) => ({ state: "healthy" as const, sinceMs, remedy: null, reason: "nothing is wrong" });

export function worldOf(start: Start): World {
  const { a, b, ageMs, bmc, spare, gateways, failovers, wanted } = start;
  const sinceMs = START_MS - ageMs;
  const names = { a: ["gpu-a", "gpu-b"], b: ["gpu-c", "gpu-d"] };
  const truth: Record<string, Truth> = {};
  const server = (name: string, group: string | null, fault: Fault): ServerObserved => {
    const needs = NEEDS[fault] ?? null;
    truth[name] = { needs, on: fault !== "power", busy: group !== null && fault !== "power", pending: null };
    const blind = fault === "power" || fault === "unheard";
    return {
      name,
      group,
      verdict: {
        state: blind ? "blind" : HARDWARE.includes(fault) ? "suspect" : "healthy",
        sinceMs,
        remedy: HARDWARE.includes(fault) ? needs : null,
        reason: fault,
      },
      quarantine: null,
      fence: { fenced: group === null, reason: group === null ? "empty" : "ranks run" },
      outOfService: false,
      bmc,
      power: "on",
      powerOffAskedMs: null,
      treated: null,
      validated: false,
      reserved: false,
      ...(fault === "wear" ? { resetDue: true } : {}),
    };
  };
  const group = (id: "a" | "b", fault: Fault): GroupObserved => ({
    id,
    size: 2,
    members: names[id],
    run: "serving",
    runSinceMs: 0,
    podsLeft: 0,
    verdict:
      fault === "none" || fault === "wear"
        ? { ...well(), blamed: null, wantsSwitch: false }
        : {
            state: fault === "unheard" ? "blind" : "suspect",
            sinceMs,
            remedy: NEEDS[fault] ?? (fault === "software" ? "restart-group" : null),
            reason: fault,
            blamed: NEEDS[fault] === undefined ? null : (names[id][0] ?? null),
            wantsSwitch: false,
          },
    follows: "unknown",
    restartsMs: [],
    revision: "v1",
    failedRevision: null,
    takeover: { ready: fault === "none", reason: fault },
    answeredMs: START_MS,
  });
  const uses = { none: [], agree: ["a", "a"], moved: ["b", "b"], split: ["a", "b"] }[gateways];
  return {
    truth,
    seen: {
      atMs: START_MS,
      holdsLease: true,
      snapshotAtMs: START_MS,
      paused: null,
      epoch: 7,
      active: "a",
      gateways: uses.map((to, n) => ({ replica: `gw-${n}`, group: to, sinceMs, epoch: 7 })),
      groups: [group("a", a), group("b", b)],
      servers: [
        server("gpu-a", "a", a),
        server("gpu-b", "a", "none"),
        server("gpu-c", "b", b),
        server("gpu-d", "b", "none"),
        ...(spare ? [server("gpu-e", null, "none")] : []),
      ],
      failoversMs: Array.from({ length: failovers }, (_, n) => START_MS - 60_000 * (n + 1)),
      wantedRevision: wanted,
      switchoverTo: null,
    },
  };
}

/** A fault at this moment: of the server, and of the group that runs on it. */
export function strike(world: World, name: string, fault: Exclude<Fault, "none" | "wear" | "unheard">): World {
  const { atMs } = world.seen;
  const needs = NEEDS[fault] ?? null;
  const blind = fault === "power";
  const group = world.seen.servers.find((server) => server.name === name)?.group ?? null;
  const struck =
    fault === "software"
      ? world
      : onServer(
          world,
          name,
          {
            verdict: { state: blind ? "blind" : "suspect", sinceMs: atMs, remedy: blind ? null : needs, reason: fault },
            ...(blind ? { power: "off" as const } : {}),
          },
          (truth) => ({ needs, on: !blind, busy: truth.busy && !blind, pending: null }),
        );
  if (group === null) return struck;
  return onGroup(struck, group, ({ run, verdict }) => {
    if (run === "stopped" || (run === "starting" && fault === "software")) return {};
    const remedy = needs ?? "restart-group";
    const blamed = needs === null ? null : name;
    return {
      verdict: { ...verdict, state: "suspect", sinceMs: atMs, remedy, reason: fault, blamed },
      takeover: { ready: false, reason: fault },
    };
  });
}

type Change<T> = Partial<T> | ((old: T) => Partial<T>);
const merged = <T>(old: T, change: Change<T>): T => ({
  ...old,
  ...(typeof change === "function" ? change(old) : change),
});

function onServer(world: World, name: string, change: Change<ServerObserved>, truth: Change<Truth> = {}): World {
  const servers = world.seen.servers.map((server) => (server.name === name ? merged(server, change) : server));
  const old = world.truth[name];
  return {
    seen: { ...world.seen, servers },
    truth: old === undefined ? world.truth : { ...world.truth, [name]: merged(old, truth) },
  };
}

function onGroup(world: World, id: string, change: Change<GroupObserved>): World {
  const groups = world.seen.groups.map((group) => (group.id === id ? merged(group, change) : group));
  return { ...world, seen: { ...world.seen, groups } };
}

/** What an action does at once; the rest comes with time. */
export function apply(world: World, action: Action): World {
  const { atMs } = world.seen;
  switch (action.kind) {
    case "set-active": {
      const counted = action.why === "failover" || action.why === "adopt";
      const failoversMs = counted ? [...world.seen.failoversMs, atMs] : world.seen.failoversMs;
      const gateways = world.seen.gateways.map((gateway) => ({ ...gateway, group: action.group, epoch: action.epoch }));
      return { ...world, seen: { ...world.seen, active: action.group, epoch: action.epoch, failoversMs, gateways } };
    }
    case "quarantine":
      return onServer(world, action.server, { quarantine: { sinceMs: atMs, remedy: action.remedy } });
    case "stop-group":
      return onGroup(world, action.group, ({ members, restartsMs, verdict }) => ({
        run: "stopped",
        runSinceMs: atMs,
        podsLeft: members.length,
        restartsMs: action.why === "fault" && verdict.remedy === "restart-group" ? [...restartsMs, atMs] : restartsMs,
        verdict: { ...well(atMs), blamed: null, wantsSwitch: false },
        takeover: { ready: false, reason: "stopped" },
      }));
    case "delete-pods":
      return onGroup(world, action.group, { podsLeft: 0 });
    case "power-off":
      return onServer(
        world,
        action.server,
        { powerOffAskedMs: atMs },
        { pending: { what: "off", atMs: atMs + 2_000 } },
      );
    case "mark-out-of-service":
      return onServer(world, action.server, { outOfService: true });
    case "treat": {
      const boot = action.remedy !== "failover-reset";
      const pending = { what: boot ? ("boot" as const) : ("reset" as const), atMs: atMs + (boot ? 60_000 : 10_000) };
      const treated = { remedy: action.remedy, atMs };
      const verdict = { ...well(atMs), state: "blind" as const, reason: "booting" };
      return onServer(
        world,
        action.server,
        boot ? { treated, validated: false, verdict } : { treated, validated: false },
        { pending },
      );
    }
    case "validate":
      return onServer(world, action.server, { validated: true });
    case "return-server":
      return onServer(world, action.server, {
        quarantine: null,
        outOfService: false,
        treated: null,
        validated: false,
        powerOffAskedMs: null,
      });
    case "remove-member": {
      const left = onGroup(world, action.group, ({ members }) => ({
        members: members.filter((name) => name !== action.server),
      }));
      return onServer(left, action.server, { group: null });
    }
    case "add-member": {
      const joined = onGroup(world, action.group, ({ members }) => ({ members: [...members, action.server] }));
      return onServer(joined, action.server, { group: action.group });
    }
    case "start-group": {
      const members = world.seen.groups.find(({ id }) => id === action.group)?.members ?? [];
      const started = onGroup(world, action.group, { run: "starting", runSinceMs: atMs, revision: action.revision });
      return members.reduce(
        (next, name) => onServer(next, name, { fence: { fenced: false, reason: "ranks run" } }, { busy: true }),
        started,
      );
    }
  }
}

/** Time passes: processes end, machines boot, groups load. */
export function pass(world: World, ms: number): World {
  const atMs = world.seen.atMs + ms;
  let next: World = { ...world, seen: { ...world.seen, atMs, snapshotAtMs: atMs } };
  for (const { name, group } of world.seen.servers) {
    const truth = next.truth[name];
    if (truth === undefined) continue;
    if (truth.pending !== null && truth.pending.atMs <= atMs) next = finish(next, name, truth.pending.what);
    const mine = next.seen.groups.find(({ id }) => id === group);
    const ended =
      mine === undefined || (mine.run === "stopped" && mine.podsLeft === 0 && atMs - mine.runSinceMs >= EMPTY_MS);
    if (ended && next.truth[name]?.on && truth.pending === null) {
      next = onServer(
        next,
        name,
        { fence: { fenced: true, reason: "heard with no process on any GPU" } },
        { busy: false },
      );
    }
  }
  for (const { id, run, runSinceMs, members } of next.seen.groups) {
    if (run === "serving") next = onGroup(next, id, { answeredMs: atMs });
    if (run !== "starting" || atMs - runSinceMs < LOAD_MS) continue;
    const sick = members.some(
      (name) => !["schedule-reset", null].includes(next.truth[name]?.needs ?? null) || !next.truth[name]?.on,
    );
    if (!sick) {
      next = onGroup(next, id, { run: "serving", runSinceMs: atMs, takeover: { ready: true, reason: "" } });
    }
  }
  return next;
}

function finish(world: World, name: string, what: "off" | "reset" | "boot"): World {
  const { atMs } = world.seen;
  if (what === "off") {
    const verdict = { ...well(atMs), state: "blind" as const, reason: "off" };
    const seen = { power: "off" as const, verdict, fence: { fenced: true, reason: "its power is off" } };
    return onServer(world, name, seen, { on: false, busy: false, pending: null });
  }
  const done: Remedy = what === "boot" ? "failover-reboot" : "failover-reset";
  const needs = world.truth[name]?.needs ?? null;
  const cured = needs === null || compareRemedies(needs, done) <= 0;
  const verdict = cured
    ? well(atMs)
    : { state: "suspect" as const, sinceMs: atMs, remedy: needs, reason: "still broken" };
  const fence = { fenced: true, reason: "heard with another boot id" };
  const resetDue = needs === "schedule-reset" && !cured;
  return onServer(world, name, what === "boot" ? { verdict, resetDue, power: "on", fence } : { verdict, resetDue }, {
    needs: cured ? null : needs,
    on: true,
    busy: false,
    pending: null,
  });
}

/** Every start of the product of these choices. */
export function* everyStart(): Generator<Start> {
  const faults: Fault[] = ["none", "wear", "software", "reset", "reboot", "support", "power", "unheard"];
  for (const a of faults)
    for (const b of faults)
      for (const ageMs of [1_000, 10_000])
        for (const bmc of [true, false])
          for (const spare of [true, false])
            for (const gateways of ["none", "agree", "moved", "split"] as const)
              for (const failovers of [0, 2, 3])
                for (const wanted of ["v1", "v2"] as const)
                  yield { a, b, ageMs, bmc, spare, gateways, failovers, wanted };
}
