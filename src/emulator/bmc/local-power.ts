import type { Engine } from "../../machines/local/engine.ts";
import { cutPower, startPower } from "../../machines/local/faults.ts";
import { readMachine } from "../../machines/local/machine.ts";
import type { Power } from "./redfish.ts";

/** The power of a local machine: off is a cut that peers hear nothing of, on is a boot with a new boot id. */
export function localPower(engine: Engine, stack: string, machine: string): Power {
  const isOn = async () => {
    const found = await readMachine(engine, stack, machine);
    if (found === undefined) throw new Error(`there is no machine ${machine} in stack ${stack}`);
    // A frozen machine has power.
    return ["running", "paused", "restarting"].includes(found.state);
  };
  return {
    state: async () => ((await isOn()) ? "On" : "Off"),
    on: async () => {
      if (!(await isOn())) await startPower(engine, stack, machine);
    },
    off: async () => {
      if (await isOn()) await cutPower(engine, stack, machine);
    },
  };
}
