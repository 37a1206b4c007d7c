import { execa } from "execa";
import { describe, expect, test } from "vitest";
import type { KubeClient, KubeRequest } from "../../src/kube/client.ts";
import { KubeError } from "../../src/kube/errors.ts";
import type { LiveObject } from "../../src/kube/objects.ts";
import { QUARANTINE } from "../../src/manifests/model-service/resource.ts";
import type { Decided, Hands } from "../../src/reconciler/actions/hands.ts";
import { resetGpus, resetPod } from "../../src/reconciler/actions/reset-gpus.ts";

const SINCE = "2026-11-29T08:00:00.000Z";

/** What the pod runs on the server, after the words that lead into the server's file system. */
function script(): string {
  const { spec } = resetPod("gpu-reset-gpu-a", "tandem-local", "gpu-a", SINCE) as unknown as {
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

describe("the pod of a GPU reset that is there already", () => {
  const quarantine = { since: SINCE, remedy: "failover-reset", reason: "XID 95", bootId: null };
  const node = { metadata: { name: "gpu-a", annotations: { [QUARANTINE]: JSON.stringify(quarantine) } } };

  /** What is asked of an API server that has a pod of this quarantine, or of another one, made at this time by its clock. */
  async function asked(since: string, creationTimestamp: string): Promise<string[]> {
    const pod = resetPod("gpu-reset-gpu-a", "tandem-local", "gpu-a", since) as LiveObject;
    const there = { ...pod, metadata: { ...pod.metadata, uid: "1", creationTimestamp }, status: { phase: "Running" } };
    const methods: string[] = [];
    const json = async (what: KubeRequest) => {
      methods.push(what.method);
      if (what.method === "POST") throw new KubeError(409, "AlreadyExists", "it is there");
      return there;
    };
    const paths = { pods: "/pods", pod: (name: string) => `/pods/${name}` };
    const { signal } = new AbortController();
    const hands = {
      client: { json } as unknown as KubeClient,
      namespace: "tandem-local",
      paths,
      assertLeader() {},
      signal,
    };
    const cluster = { nodes: new Map([["gpu-a", node]]) };
    const knowledge = { cluster, evidence: new Map() };
    expect(await resetGpus(hands as unknown as Hands, { knowledge } as unknown as Decided, "gpu-a")).toMatchObject({
      kind: "waiting",
    });
    return methods;
  }

  test("is waited for, whatever the clock of the API server says", async () => {
    expect(await asked(SINCE, SINCE)).toEqual(["POST", "GET"]);
    expect(await asked(SINCE, "2026-11-29T07:50:00Z"), "ten minutes behind").toEqual(["POST", "GET"]);
  });

  test("is cleared away when it is of an earlier quarantine", async () => {
    expect(await asked("2026-11-28T08:00:00.000Z", SINCE)).toEqual(["POST", "GET", "DELETE"]);
  });
});
