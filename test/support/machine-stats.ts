import type { z } from "zod";
import type { Engine } from "../../src/machines/local/engine.ts";
import { listMachines } from "../../src/machines/local/machine.ts";

/** What the container engine counts of each machine of a stack, as far as `shape` asks for it. */
export async function machineStats<Shape extends z.ZodType>(
  engine: Engine,
  stack: string,
  shape: Shape,
): Promise<z.infer<Shape>[]> {
  const query = { stream: "false", "one-shot": "true" };
  const machines = await listMachines(engine, stack);
  return Promise.all(
    machines.map(async ({ container }) =>
      shape.parse(await engine.api.call("GET", `/containers/${container}/stats`, { query })),
    ),
  );
}
