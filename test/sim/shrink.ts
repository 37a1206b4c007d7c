import type { Draw } from "./faults/draw.ts";
import { simulate } from "./simulate.ts";

/** Tries at most; each is a run of milliseconds. */
const MAX_TRIES = 300;

/** A smaller world that breaks the same rule: without the faults, lengths and odd numbers that it does not take. */
export function shrink(seed: number, start: Draw, rule: string): Draw {
  let best = start;
  let tries = 0;
  const isBroken = (draw: Draw) => {
    tries += 1;
    return simulate(seed, draw).breaches.some((breach) => breach.rule === rule);
  };
  for (let isSmaller = true; isSmaller && tries < MAX_TRIES; ) {
    isSmaller = false;
    for (const draw of smallerThan(best)) {
      if (tries >= MAX_TRIES) break;
      if (!isBroken(draw)) continue;
      best = draw;
      isSmaller = true;
      break;
    }
  }
  return best;
}

function* smallerThan({ config, faults }: Draw): Generator<Draw> {
  for (const at of faults.keys()) yield { config, faults: faults.filter((_, other) => other !== at) };
  if (config.spare) yield { config: { ...config, spare: false }, faults };
  if (config.skewMs.some((ms) => ms !== 0)) yield { config: { ...config, skewMs: [0, 0] }, faults };
  if (!config.bmc) yield { config: { ...config, bmc: true }, faults };
  if (!config.busy) yield { config: { ...config, busy: true }, faults };
  if (!config.standbyListens) yield { config: { ...config, standbyListens: true }, faults };
  for (const [at, fault] of faults.entries()) {
    const change = (one: Partial<typeof fault>) => ({
      config,
      faults: faults.map((other, n) => (n === at ? { ...other, ...one } : other)),
    });
    const { forMs, atMs, member } = fault;
    if (forMs !== null && forMs > 1_000) yield change({ forMs: Math.round(forMs / 2_000) * 1_000 });
    if (atMs > 1_000 && atMs % 1_000 !== 0) yield change({ atMs: Math.round(atMs / 1_000) * 1_000 });
    if (fault.when === null && atMs > 5_000) yield change({ atMs: 5_000 });
    if (member === 1) yield change({ member: 0 });
  }
}
