import type { Layout } from "../serving-plan.ts";
import { layoutOf } from "./name.ts";

/**
 * 32 is what DeepSeek's own deployments add; 256 is a second copy of every expert, which SGLang's elastic EP needs to
 * outlive a server. Always shown, so that their price in KV is seen.
 */
const TALKED_ABOUT_REDUNDANT_EXPERTS = [32, 256];

/**
 * Every way to spread one engine over `gpus` GPUs: tensor × pipeline fills them, attention DP and EP split the tensor
 * ranks, and expert-parallel layouts come with 0, 32, 256 and `redundantExperts` extra experts. A group of several
 * servers also gets the layouts of one server alone: "does it not fit one?" is the first question. Nothing is judged.
 */
export function enumerateLayouts(
  { servers, gpusPerServer }: { servers: number; gpusPerServer: number },
  redundantExperts: number,
): Layout[] {
  const redundant = [...new Set([0, ...TALKED_ABOUT_REDUNDANT_EXPERTS, redundantExperts])].sort((a, b) => a - b);
  const sizes = servers > 1 ? [servers * gpusPerServer, gpusPerServer] : [gpusPerServer];
  return sizes.flatMap((gpus) => layoutsOn(gpus, redundant));
}

function layoutsOn(gpus: number, redundant: readonly number[]): Layout[] {
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
