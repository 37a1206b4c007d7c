/** One axis of a chart: where values lie on it, and the ticks that a reader sees. */
export interface Axis {
  label: string;
  from: number;
  to: number;
  isLog: boolean;
  ticks: number[];
  format: (value: number) => string;
}

interface AxisInput {
  label: string;
  values: readonly number[];
  isLog?: boolean;
  format: (value: number) => string;
}

const MOST_TICKS = 6;

/** An axis that holds all values: from 0 on, or on a logarithmic one from a round number below the smallest. */
export function axisOf({ label, values, isLog = false, format }: AxisInput): Axis {
  const known = values.filter((value) => Number.isFinite(value) && (!isLog || value > 0));
  const most = Math.max(...known, isLog ? 1 : 0);
  if (isLog) {
    const least = Math.min(...known, most);
    const steps = roundSteps(least, most);
    return { label, from: steps[0] ?? least, to: steps.at(-1) ?? most, isLog, ticks: thinned(steps), format };
  }
  const step = roundUp(most / MOST_TICKS);
  const ticks = Array.from({ length: Math.ceil(most / step - 1e-9) + 1 }, (_, at) => at * step);
  return { label, from: 0, to: ticks.at(-1) ?? most, isLog, ticks, format };
}

/** 0 at the beginning of the axis, 1 at its end; a value outside stays outside. */
export function shareOf({ from, to, isLog }: Axis, value: number): number {
  if (!isLog) return (value - from) / (to - from || 1);
  return (Math.log(value) - Math.log(from)) / (Math.log(to) - Math.log(from) || 1);
}

/** 1, 2, 5, 10, 20, … from the last one below `least` to the first one above `most`. */
function roundSteps(least: number, most: number): number[] {
  const steps: number[] = [];
  for (let power = Math.floor(Math.log10(least)); steps.length === 0 || (steps.at(-1) ?? 0) < most; power += 1) {
    for (const digit of [1, 2, 5]) steps.push(Number((digit * 10 ** power).toPrecision(3)));
  }
  const first = Math.max(
    0,
    steps.findLastIndex((step) => step <= least),
  );
  const last = steps.findIndex((step) => step >= most);
  return steps.slice(first, last + 1);
}

function thinned(steps: readonly number[]): number[] {
  const powers = steps.filter((step) => /^(1|0\.0*1)0*$/.test(String(step)));
  return steps.length <= MOST_TICKS + 1 || powers.length < 2 ? [...steps] : powers;
}

function roundUp(value: number): number {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return power * ([1, 2, 2.5, 5, 10].find((digit) => digit * power >= value * (1 - 1e-9)) ?? 10);
}
