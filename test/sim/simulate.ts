import type { ReconcilerHooks } from "./actors/reconciler.ts";
import { checkDecision } from "./checks/decisions.ts";
import { EffectChecks } from "./checks/effects.ts";
import { type Ending, Watchman } from "./checks/ending.ts";
import { GatewayChecks } from "./checks/gateways.ts";
import { cellKey } from "./faults/catalogue.ts";
import type { Draw } from "./faults/draw.ts";
import { Injector } from "./faults/inject.ts";
import { buildStack, type Stack } from "./stack.ts";
import type { Breach } from "./world/world.ts";

/** What one world came to. */
export interface Run {
  seed: number;
  breaches: readonly Breach[];
  ending: Ending | "breach";
  virtualMs: number;
  events: number;
  /** Combinations of fault, role and state that came to pass. */
  cells: readonly string[];
  /** Lines for a reader; empty unless asked for. */
  transcript: readonly string[];
}

/** More than this is a loop of the simulator itself; a day without API server has its own share (a calm world makes 13 a second). */
const MAX_EVENTS = { always: 400_000, aSecond: 20 };

/** Runs one world to its end: until all serves, a person is called, or something is wrong. */
export function simulate(
  seed: number,
  { config, faults }: Draw,
  isRead = false,
  onDecision: ReconcilerHooks["onDecision"] = () => {},
): Run {
  const cells: string[] = [];
  const stack: Stack = buildStack(
    seed,
    config,
    {
      onChoice: (gateway, choice, before) => choices.choice(gateway, choice, before),
      onDecision: (who, seen, decision) => {
        checkDecision(stack.world, who, seen, decision);
        onDecision(who, seen, decision);
      },
    },
    isRead,
  );
  const choices = new GatewayChecks(stack.world, () => stack.gateways);
  const { world } = stack;
  const effects = new EffectChecks(world, () => stack.gateways, stack.reconcilers);
  stack.effects.onEffect = (order) => {
    watchman.actedMs = world.now;
    effects.check(order);
  };
  stack.effects.onRefused = (order) => effects.refused(order);
  const injector = new Injector(stack, faults, ({ kind, role }, state) => cells.push(cellKey({ kind, role, state })));
  const watchman = new Watchman(stack, injector);
  choices.begin();
  watchman.begin();
  world.kernel.run(Number.POSITIVE_INFINITY, () => {
    injector.look();
    if (world.kernel.events > MAX_EVENTS.always + (world.now / 1_000) * MAX_EVENTS.aSecond)
      world.breach("too-many-events", `${world.kernel.events} events by ${world.now} ms`);
    return watchman.ending !== null || world.breaches.length > 0;
  });
  const ending = world.breaches.length > 0 ? "breach" : (watchman.ending ?? "never");
  const { now: virtualMs } = world;
  const { events } = world.kernel;
  return { seed, breaches: world.breaches, ending, virtualMs, events, cells, transcript: world.transcript ?? [] };
}
