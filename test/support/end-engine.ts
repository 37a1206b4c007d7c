import { cleanLocal } from "../../src/machines/local/clean.ts";
import { GATE } from "./gate-stack.ts";

// The last stage of the gate: the daemon that the cluster tests shared goes, unless a stack of somebody else runs on it.
await cleanLocal(GATE, { onProgress: (text) => process.stdout.write(`${text}\n`) });
