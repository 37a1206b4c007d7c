import { Random } from "../random.ts";
import type { WorldConfig } from "../world/types.ts";
import { CELLS, type Cell, FAULTS } from "./catalogue.ts";
import type { PlannedFault, State } from "./plan.ts";

/** What breaks a group, so that there is something to fail over from, to isolate and to rebuild. */
const BREAKING = ["power-cut", "gpu-reset", "gpu-lost", "freeze", "engine-hang", "net-cut", "rank-stop"] as const;
/** States that follow each other once a group has broken: one world can be hit in each of them. */
const STAGES = ["failing", "isolated", "rebuilding"] as const;
/** How long after the first moment of a state a fault may come and still hit in it. */
const WITHIN_MS: Readonly<Record<State, number>> = {
  calm: 0,
  failing: 2_000,
  isolated: 900,
  rebuilding: 9_000,
  changing: 9_000,
};

export interface Draw {
  config: WorldConfig;
  faults: PlannedFault[];
}

const cellsOf = (state: State): Cell[] => CELLS.filter((cell) => cell.state === state);
const BY_STATE = {
  calm: cellsOf("calm"),
  failing: cellsOf("failing"),
  isolated: cellsOf("isolated"),
  rebuilding: cellsOf("rebuilding"),
  changing: cellsOf("changing"),
} satisfies Record<State, Cell[]>;

/**
 * The world of a seed: one fault while all is well, and then, in most worlds, faults in the states that follow. Combinations
 * come in turn, so that none is rare, and chance does the rest.
 */
export function draw(seed: number): Draw {
  const random = new Random(seed ^ 0x51ed270b);
  const calm = cellAt("calm", seed, 7);
  const first = planOf(calm, random);
  const later = laterOf(seed, random);
  const faults = [first, ...later.map((cell) => planOf(cell, random))];
  // What broke nothing leads to no other state: something that does follows it.
  if (later.some(({ state }) => state === "changing")) faults.push(triggerOf("new-revision", first, random));
  else if (later.length > 0 && !(BREAKING as readonly string[]).includes(calm.kind))
    faults.push(triggerOf(random.pick(BREAKING), first, random));
  const skew = () =>
    random.pick([0, 0, random.between(-50, 50), random.between(-2_000, 2_000), random.between(-300_000, 300_000)]);
  const config: WorldConfig = {
    bmc: random.chance(0.75),
    spare: random.chance(0.5),
    busy: random.chance(0.7),
    skewMs: [skew(), skew()],
    standbyListens: random.chance(0.5),
  };
  return { config, faults };
}

/** Each combination of a state once in as many turns as there are; with other company each time round. */
function cellAt(state: State, turn: number, shift: number): Cell {
  const cells = BY_STATE[state];
  return cells[(turn + Math.floor(turn / cells.length) * shift) % cells.length] as Cell;
}

/** Of eight worlds one has a fault or two, two change what runs, and five go through all that follows a broken group. */
function laterOf(seed: number, random: Random): Cell[] {
  const turn = Math.floor(seed / 8);
  const which = seed % 8;
  if (which === 0) return random.chance(0.4) ? [] : [cellAt(random.pick([...STAGES, "changing"]), turn, 7)];
  if (which < 3) {
    const own = 2 * turn + which - 1;
    return [0, 1, 2].map((at) => cellAt("changing", own + 17 * at, 1 + 2 * at));
  }
  const own = 5 * turn + which - 3;
  // A load is long: two faults find room in it, and the one that is drawn later often finds it over. Every other world tries.
  const stages = own % 4 < 2 ? ([...STAGES, "rebuilding"] as const) : STAGES;
  return stages.map((state, at) => cellAt(state, own + 13 * at, 3 + 2 * at));
}

function planOf({ kind, role, state }: Cell, random: Random): PlannedFault {
  const { lasts = null } = FAULTS[kind] ?? {};
  const [least, most, never] = lasts ?? [0, 0, 1];
  const forMs = random.chance(never) ? null : Math.round(random.between(least, most));
  const isCalm = state === "calm";
  return {
    kind,
    role,
    member: random.chance(0.5) ? 0 : 1,
    atMs: Math.round(isCalm ? random.between(3_000, 12_000) : random.between(0, WITHIN_MS[state])),
    when: isCalm ? null : state,
    forMs,
    detail: Math.round(random.next() * 1_000) / 1_000,
  };
}

function triggerOf(kind: string, { atMs }: PlannedFault, random: Random): PlannedFault {
  const role = kind === "new-revision" ? "system" : random.chance(0.6) ? "active" : "standby";
  const plan = planOf({ kind, role, state: "calm" }, random);
  return { ...plan, atMs: Math.round(atMs + random.between(500, 6_000)) };
}
