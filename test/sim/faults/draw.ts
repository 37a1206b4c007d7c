import { Random } from "../random.ts";
import type { WorldConfig } from "../world/types.ts";
import { CELLS, type Cell, FAULTS } from "./catalogue.ts";
import type { PlannedFault, State } from "./plan.ts";

/** What breaks a group, so that there is something to fail over from, to isolate and to rebuild. */
const BREAKING: readonly string[] = [
  "power-cut",
  "gpu-reset",
  "gpu-lost",
  "freeze",
  "engine-hang",
  "net-cut",
  "rank-stop",
];
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

const isBreaking = (kind: string) => BREAKING.includes(kind);
const inState = (state: State): Cell[] => CELLS.filter((cell) => cell.state === state);
/** The machine that is isolated is often one without power, where nothing can be put that its kernel would have to say. */
const isOftenOff = ({ kind, role }: Cell) => role === "standby" && FAULTS[kind]?.needsPower === true;
const BY_STATE = {
  calm: inState("calm"),
  failing: inState("failing"),
  isolated: [...inState("isolated"), ...inState("isolated").filter(isOftenOff)],
  rebuilding: inState("rebuilding"),
  changing: inState("changing"),
} satisfies Record<State, Cell[]>;

/** Calm faults that lead to no other state; a new revision comes with every world that changes what runs. */
const MILD = BY_STATE.calm.filter(({ kind }) => !isBreaking(kind) && kind !== "new-revision");
const BREAKS = BY_STATE.calm.filter(({ kind }) => isBreaking(kind));
const REVISION = BY_STATE.calm.filter(({ kind }) => kind === "new-revision");

/**
 * The world of a seed: one fault while all is well, and then, in most worlds, faults in the states that follow. Combinations
 * come in turn, so that none is rare, and chance does the rest. Every fault costs as much as half a world, so that there are
 * no more than it takes to see each combination a thousand times in 100,000 worlds.
 */
export function draw(seed: number): Draw {
  const random = new Random(seed ^ 0x51ed270b);
  const faults = cellsOf(seed).map((cell) => planOf(cell, random));
  const [before, trigger] = faults;
  // What breaks or changes something comes soon after what was amiss before.
  if (before !== undefined && trigger?.when === null)
    trigger.atMs = Math.round(before.atMs + random.between(500, 6_000));
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

/** The `turn`-th of these cells; with other company each time round. */
function cellAt(cells: readonly Cell[], turn: number, shift: number): Cell {
  return cells[(turn + Math.floor(turn / cells.length) * shift) % cells.length] as Cell;
}

/** Worlds of each kind in a turn. */
const ALONE = 6;
const CHANGING = 8;
const BROKEN = 26;
const TURN = ALONE + CHANGING + BROKEN;
/** Mild faults in a turn: alone, before half of the changes, before a quarter of the breaks. */
const MILD_TURN = ALONE + CHANGING / 2 + Math.ceil(BROKEN / 4);

/**
 * Of forty worlds six have one fault that leads to nothing else, eight change what runs, and 26 go through all that follows a
 * broken group. In half of those that change and a quarter of those that break something was amiss before.
 */
function cellsOf(seed: number): Cell[] {
  const turn = Math.floor(seed / TURN);
  // So that any run of seeds has its share of each kind.
  const which = (seed * 7) % TURN;
  const mild = (at: number) => cellAt(MILD, MILD_TURN * turn + at, 7);
  if (which < ALONE) return [mild(which)];
  const change = which - ALONE;
  if (change < CHANGING) {
    const own = CHANGING * turn + change;
    const changes = [0, 1, 2].map((at) => cellAt(BY_STATE.changing, own + 17 * at, 1 + 2 * at));
    return [...(change < CHANGING / 2 ? [mild(which)] : []), ...REVISION, ...changes];
  }
  const broken = change - CHANGING;
  const own = BROKEN * turn + broken;
  const before = own % 4 === 0 ? [mild(ALONE + CHANGING / 2 + Math.floor(broken / 4))] : [];
  // A load is long: two faults find room in it, and the one that is drawn later often finds it over. Every other world tries.
  const stages = own % 4 < 2 ? ([...STAGES, "rebuilding"] as const) : STAGES;
  const after = stages.map((state, at) => cellAt(BY_STATE[state], own + 13 * at, 3 + 2 * at));
  return [...before, cellAt(BREAKS, own, 5), ...after];
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
