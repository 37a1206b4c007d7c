import type { Layout } from "../serving-plan.ts";

type Shape = Omit<Layout, "name">;

/** The canonical name: `tp16`, `tp8-pp2`, `tp16-dp2`, `tp16-ep16`, `dp16-ep16` (attention DP over all ranks), `…-r32`. */
export function layoutName({
  tensorParallel,
  pipelineParallel,
  dataParallel,
  expertParallel,
  redundantExperts,
}: Shape): string {
  const full = dataParallel > 1 && dataParallel === tensorParallel;
  return [
    full ? `dp${dataParallel}` : `tp${tensorParallel}`,
    !full && dataParallel > 1 ? `dp${dataParallel}` : "",
    pipelineParallel > 1 ? `pp${pipelineParallel}` : "",
    expertParallel > 1 ? `ep${expertParallel}` : "",
    redundantExperts > 0 ? `r${redundantExperts}` : "",
  ]
    .filter((part) => part !== "")
    .join("-");
}

/** A layout with its name; a name that comes in with the sizes is not trusted, they may have been changed since. */
export function layoutOf(shape: Shape): Layout {
  const { tensorParallel, pipelineParallel, dataParallel, expertParallel, redundantExperts } = shape;
  const name = layoutName(shape);
  return { name, tensorParallel, pipelineParallel, dataParallel, expertParallel, redundantExperts };
}

/** Reads a name in any order of its parts, `tp16-dp16-ep16` included; undefined when it is not a layout name. */
export function parseLayoutName(text: string): Layout | undefined {
  const sizes: Partial<Record<string, number>> = {};
  for (const part of text.toLowerCase().split("-")) {
    const match = /^(tp|pp|dp|ep|r)([1-9]\d{0,3})$/.exec(part);
    const key = match?.[1];
    if (key === undefined || sizes[key] !== undefined) return undefined;
    sizes[key] = Number(match?.[2]);
  }
  const tensorParallel = sizes.tp ?? sizes.dp;
  if (tensorParallel === undefined) return undefined;
  return layoutOf({
    tensorParallel,
    pipelineParallel: sizes.pp ?? 1,
    dataParallel: sizes.dp ?? 1,
    expertParallel: sizes.ep ?? 1,
    redundantExperts: sizes.r ?? 0,
  });
}
