import type { Layout } from "../serving-plan.ts";
import { layoutOf } from "./name.ts";

/** 32 is what DeepSeek's own deployments add; always shown, so that its price in KV is seen. */
const USUAL_REDUNDANT_EXPERTS = 32;

/**
 * Every way to spread one engine over `gpus` GPUs: tensor × pipeline fills them, attention DP and EP split the tensor
 * ranks, and expert-parallel layouts come with 0, 32 and `redundantExperts` extra experts. Nothing is judged here.
 */
export function enumerateLayouts(gpus: number, redundantExperts: number): Layout[] {
  const redundant = [...new Set([0, USUAL_REDUNDANT_EXPERTS, redundantExperts])].sort((a, b) => a - b);
  return divisorsDown(gpus).flatMap((tensorParallel) =>
    divisorsUp(tensorParallel).flatMap((dataParallel) =>
      divisorsUp(tensorParallel).flatMap((expertParallel) =>
        (expertParallel > 1 ? redundant : [0]).map((redundantExperts) =>
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
  );
}

function divisorsUp(n: number): number[] {
  return Array.from({ length: n }, (_, index) => index + 1).filter((d) => n % d === 0);
}

const divisorsDown = (n: number) => divisorsUp(n).reverse();
