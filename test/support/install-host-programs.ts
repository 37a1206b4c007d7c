import { ensureHostPrograms } from "../../src/machines/local/host-programs.ts";

// A stage of the gate: what the cluster tests start directly must be there.
await ensureHostPrograms({ onProgress: (text) => process.stdout.write(`${text}\n`) });
