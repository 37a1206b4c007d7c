import { expect, test } from "vitest";
import { isIntact } from "../../src/failover/intact.ts";
import { checkInvariants, intact, run } from "./decide-run.ts";
import { calm, type Start, strike, type World, worldOf } from "./decide-world.ts";

const FIRST = ["software", "reset", "reboot", "support", "power"] as const;
const SECOND = ["software", "reset", "reboot", "support", "power"] as const;
const HANDS_LATER = 40;

interface Case extends Start {
  second: (typeof SECOND)[number];
  on: string;
  /** After this many actions. */
  after: number;
}

test("a second fault at each step of a repair never ends what serves, and ends well or with what a person must do", () => {
  let tried = 0;
  for (const start of starts()) {
    const steps = run(worldOf(start)).actions.length;
    for (let after = 1; after <= steps; after++)
      for (const second of SECOND)
        for (const { name: on } of worldOf(start).seen.servers) {
          play({ ...start, second, on, after });
          tried += 1;
        }
  }
  expect(tried).toBeGreaterThan(3_000);
}, 120_000);

function* starts(): Generator<Start> {
  for (const a of FIRST)
    for (const bmc of [true, false])
      for (const spare of [true, false])
        for (const gateways of ["none", "moved"] as const) yield { ...calm, a, bmc, spare, gateways };
}

function play(one: Case): void {
  const trace = JSON.stringify(one);
  // A server that serves nobody, and lost its power, tells nobody that it is broken.
  const strikes = (world: World, actions: number) =>
    actions === one.after ? followed(strike(world, one.on, one.second)) : world;
  const { actions, last, world } = run(
    worldOf(one),
    (before, action, after) => checkInvariants(before, action, after, `${trace} ${JSON.stringify(action)}`),
    HANDS_LATER,
    strikes,
  );
  expect(actions.length, trace).toBeLessThan(60);
  if (intact(world) === 2) return;
  expect(last, trace).toMatchObject({ kind: "escalate" });
  // Whoever is called finds the word on a group that serves, if any does.
  const active = world.seen.groups.find(({ id }) => id === world.seen.active);
  if (intact(world) > 0) expect(active !== undefined && isIntact(active), trace).toBe(true);
}

/** Gateways leave a group that is broken for one that is not, and ask nobody. */
function followed(world: World): World {
  const whole = world.seen.groups.find(isIntact);
  const active = world.seen.groups.find(({ id }) => id === world.seen.gateways[0]?.group);
  if (whole === undefined || active === undefined || isIntact(active)) return world;
  const gateways = world.seen.gateways.map((gateway) => ({ ...gateway, group: whole.id, sinceMs: world.seen.atMs }));
  return { ...world, seen: { ...world.seen, gateways } };
}
