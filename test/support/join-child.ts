import { prepareServer } from "../../src/machines/server/prepare.ts";
import { openRemote } from "../../src/machines/server/remote.ts";
import type { SshTarget } from "../../src/machines/server/target.ts";
import { joinWorker, type WorkerConfig } from "../../src/machines/server/worker.ts";

// Prepares and joins one server in a process of its own, which a test can kill. Prints each step as it begins.
const { target, controlPlane, config } = JSON.parse(process.argv[2] ?? "") as {
  target: SshTarget;
  controlPlane: SshTarget;
  config: WorkerConfig;
};
const onStep = ({ step, state }: { step: string; state: string }) => process.stdout.write(`${state} ${step}\n`);
const remote = openRemote(target);
await prepareServer(remote, config, { onStep });
await joinWorker(remote, openRemote(controlPlane), config, { onStep });
