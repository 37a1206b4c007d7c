import { Random } from "../random.ts";
import type { WorldConfig } from "../world/types.ts";
import { CELLS, type Cell, FAULTS } from "./catalogue.ts";
import type { PlannedFault } from "./plan.ts";

/** What breaks a group, so that there is something to fail over from, to isolate and to rebuild. */
const BREAKING = ["power-cut", "gpu-reset", "gpu-lost", "freeze", "engine-hang", "net-cut", "rank-stop"] as const;

export interface Draw {
  config: WorldConfig;
  faults: PlannedFault[];
}

/** The world of a seed. Combinations come in turn, so that none is rare, and chance does the rest. */
export function draw(seed: number): Draw {
  const random = new Random(seed ^ 0x51ed270b);
  const cells: Cell[] = [];
  const count = random.pick([1, 2, 2, 3]);
  for (let n = 0; n < count; n += 1)
    cells.push(CELLS[(seed * 3 + n * 89 + Math.floor(seed / CELLS.length) * n) % CELLS.length] as Cell);
  const faults = cells.map((cell) => planOf(cell, random));
  if (cells.some(({ state }) => state === "changing")) faults.unshift(preludeOf("new-revision", random));
  else if (cells.some(({ state }) => state !== "calm") && !cells.some(isBreaking))
    faults.unshift(preludeOf(random.pick(BREAKING), random));
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

const isBreaking = ({ kind, state }: Cell) => state === "calm" && (BREAKING as readonly string[]).includes(kind);

function planOf({ kind, role, state }: Cell, random: Random): PlannedFault {
  const { lasts = null } = FAULTS[kind] ?? {};
  const [least, most, never] = lasts ?? [0, 0, 1];
  const forMs = random.chance(never) ? null : Math.round(random.between(least, most));
  const isCalm = state === "calm";
  return {
    kind,
    role,
    member: random.chance(0.5) ? 0 : 1,
    atMs: Math.round(
      isCalm ? random.between(3_000, 20_000) : random.between(0, state === "rebuilding" ? 12_000 : 2_500),
    ),
    when: isCalm ? null : state,
    forMs,
    detail: Math.round(random.next() * 1_000) / 1_000,
  };
}

function preludeOf(kind: string, random: Random): PlannedFault {
  const role = kind === "new-revision" ? "system" : random.chance(0.6) ? "active" : "standby";
  return { ...planOf({ kind, role, state: "calm" }, random), atMs: Math.round(random.between(3_000, 8_000)) };
}
