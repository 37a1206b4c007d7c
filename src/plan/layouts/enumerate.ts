import type { Layout } from "../serving-plan.ts";
import { layoutOf } from "./name.ts";

/**
 * 32 is what DeepSeek's own deployments add; 256 is a second copy of every expert, which SGLang's elastic EP needs to
 * outlive a server. Always shown, so that their price in KV is seen.
 */
const TALKED_ABOUT_REDUNDANT_EXPERTS = [32, 256];

/**
 * Everything that a group's servers could be asked to run: all layouts over its GPUs and, where it has several servers,
 * those of one server alone, because "does it not fit one?" is the first question.
 */
export function candidateLayouts(
  { servers, gpusPerServer }: { servers: number; gpusPerServer: number },
  redundantExperts: number,
): Layout[] {
  const sizes = servers > 1 ? [servers * gpusPerServer, gpusPerServer] : [gpusPerServer];
  return sizes.flatMap((gpus) => enumerateLayouts(gpus, redundantExperts));
}

/** A search plans thousands of specs over a handful of group sizes; what they are spread over does not change. */
const remembered = new Map<string, readonly Layout[]>();
const MOST_REMEMBERED = 64;

/**
 * Every way to spread one engine over `gpus` GPUs: tensor × pipeline fills them, attention DP and EP split the tensor
 * ranks, and expert-parallel layouts come with 0, 32, 256 and `redundantExperts` extra experts. Nothing is judged here.
 */
export function enumerateLayouts(gpus: number, redundantExperts: number): readonly Layout[] {
  const key = `${gpus} ${redundantExperts}`;
  let layouts = remembered.get(key);
  if (layouts === undefined) {
    layouts = spread(gpus, redundantExperts);
    if (remembered.size >= MOST_REMEMBERED) remembered.clear();
    remembered.set(key, layouts);
  }
  return layouts;
}

function spread(gpus: number, redundantExperts: number): Layout[] {
  const redundant = [...new Set([0, ...TALKED_ABOUT_REDUNDANT_EXPERTS, redundantExperts])].sort((a, b) => a - b);
  return divisorsDown(gpus).flatMap((tensorParallel) =>
    divisorsUp(tensorParallel).flatMap((dataParallel) =>
      divisorsUp(tensorParallel).flatMap((expertParallel) =>
        (expertParallel > 1 ? redundant : [0]).map((redundantExperts) =>
          Object.freeze(
            layoutOf({
              tensorParallel,
              pipelineParallel: gpus / tensorParallel,
              dataParallel,
              expertParallel,
              redundantExperts,
            }),
          ),
        ),
      ),
    ),
  );
}

function divisorsUp(n: number): number[] {
  const divisors: number[] = [];
  for (let d = 1; d <= n; d += 1) if (n % d === 0) divisors.push(d);
  return divisors;
}

const divisorsDown = (n: number) => divisorsUp(n).reverse();
