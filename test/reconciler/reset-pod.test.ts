import { execa } from "execa";
import { describe, expect, test } from "vitest";
import { resetPod } from "../../src/reconciler/actions/reset-gpus.ts";

/** What the pod runs on the server, after the words that lead into the server's file system. */
function script(): string {
  const { spec } = resetPod("gpu-reset-gpu-a", "tandem-local", "gpu-a") as {
    spec: { containers: { command: string[] }[] };
  };
  const command = spec.containers[0]?.command ?? [];
  expect(command.slice(0, -1)).toEqual(["nsenter", "--target", "1", "--mount", "--", "sh", "-c"]);
  return command.at(-1) ?? "";
}

// In a process table and a /run of its own: nothing else may be ended by it.
const STAGE = `
mount -t tmpfs tmpfs /run; mkdir /run/bin; PATH=/run/bin:$PATH
printf '#!/bin/sh\\necho "smi $@"; exit %s\\n' "$SMI" > /run/bin/nvidia-smi; chmod 755 /run/bin/nvidia-smi
(exec -a /usr/bin/nvidia-device-plugin sleep 60) & plugin=$!
(exec -a other sleep 60) & other=$!
sleep 0.2
sh -c "$SCRIPT"; echo "code $?"
kill -0 $other && echo "other runs"
timeout 2 tail --pid $plugin -f /dev/null && echo "plugin ended"
kill $other`;

describe.skipIf(process.getuid?.() !== 0)("a GPU reset on a server", () => {
  const run = (smi: number) =>
    execa("unshare", ["-mpf", "--mount-proc", "bash", "-c", STAGE], {
      env: { SCRIPT: script(), SMI: String(smi) },
      reject: false,
    });

  test("ends the device plugin, which would offer the GPU to nobody any more", async () => {
    const { stdout } = await run(0);
    expect(stdout.split("\n")).toEqual(["smi --gpu-reset", "code 0", "other runs", "plugin ended"]);
  });

  test("that failed says so, and ends nothing", async () => {
    const { stdout } = await run(3);
    expect(stdout.split("\n")).toEqual(["smi --gpu-reset", "code 3", "other runs"]);
  });
});
