/** A figure as it is printed: never one number, always what it lies between. */
export interface Range {
  low: number;
  high: number;
}

/**
 * Half-width of every range, as a share of the model's figure: the widest that is still of use to a buyer. Of the points of
 * a source that the fit has not seen, at least four in five must lie inside (`test/plan/performance.test.ts`).
 */
export const HALF_WIDTH = 0.35;

export function rangeOf(figure: number): Range {
  return { low: figure * (1 - HALF_WIDTH), high: figure * (1 + HALF_WIDTH) };
}
