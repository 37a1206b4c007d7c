import type { Remedy } from "../health/remedy.ts";

/** What is done about a code of a class, after "class:". */
export const MEANINGS: Readonly<Record<Remedy, string>> = {
  ignore: "nothing is done",
  watch: "nothing is moved; it is shown to a human",
  "schedule-reset": "traffic stays; the GPU is reset once the server does not serve",
  "restart-group":
    "traffic moves at once, the group starts again on the same servers; a second time on one GPU or switch within a day is hardware",
  "failover-reset": "traffic moves at once, the server leaves the group until its GPUs were reset",
  "failover-reboot": "traffic moves at once, the server leaves the group until it was rebooted",
  "failover-support": "traffic moves at once, the server leaves the group until a person mended it",
};
