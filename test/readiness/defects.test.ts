import { rmSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { keepKernels } from "../../src/emulator/engine/kernel-cache.ts";
import { shardName } from "../../src/emulator/gpu/checkpoint.ts";
import type { RungName } from "../../src/failover/readiness/ladder.ts";
import { DIGEST, ReadinessWorld } from "./readiness-world.ts";

/** With the schedule of production, where the limit is a minute; without it four times as fast, so that it can run each time. */
const isProduction = process.env.TANDEM_READINESS_SCHEDULE === "production";
const WITHIN_MS = isProduction ? 60_000 : 15_000;
const SKEW = fileURLToPath(new URL("./skewed-clock.mjs", import.meta.url));

interface Defect {
  name: string;
  rung: RungName;
  says: RegExp;
  plant(world: ReadinessWorld): void | Promise<void>;
  mend(world: ReadinessWorld): void | Promise<void>;
}

const leader = ({ standby }: ReadinessWorld) => standby.servers[0] as (typeof standby.servers)[number];
const worker = ({ standby }: ReadinessWorld) => standby.servers[1] as (typeof standby.servers)[number];
const portState = (world: ReadinessWorld) =>
  join(worker(world).place.folder, "sys/class/infiniband/mlx5_3/ports/1/state");
const imageOf = (world: ReadinessWorld, digest: string) => {
  const pod = world.pods.find(({ spec }) => (spec as { nodeName: string }).nodeName === worker(world).name);
  Object.assign(pod ?? {}, {
    status: {
      conditions: [{ type: "Ready", status: "True" }],
      containerStatuses: [{ name: "sglang", imageID: `lmsysorg/sglang@${digest}` }],
    },
  });
};

/** Each is planted in the world; nothing here touches evidence, findings or the prober. */
const DEFECTS: Defect[] = [
  {
    name: "a shard of the weights is missing",
    rung: "weights",
    says: /gpu-d: shard 3 of 8 is not there/,
    plant: (world) => unlinkSync(join(worker(world).weights, shardName(3))),
    mend: (world) => writeFileSync(join(worker(world).weights, shardName(3)), "emulated shard 3\n"),
  },
  {
    name: "a pod runs another image than the one that was asked for",
    rung: "image",
    says: /engine-b-0-1 runs image sha256:bbbbbbbbbbbb, the active group sha256:aaaaaaaaaaaa/,
    plant: (world) => imageOf(world, `sha256:${"b".repeat(64)}`),
    mend: (world) => imageOf(world, DIGEST),
  },
  {
    name: "a flag of the engine differs",
    rung: "flags",
    says: /--chunked-prefill-size is 4096, on the active group \d+/,
    plant: (world) => world.restartStandby(["--chunked-prefill-size", "4096"]),
    mend: (world) => world.restartStandby(),
  },
  {
    name: "a row of a GPU waits to be remapped",
    rung: "gpus",
    says: /gpu-d, gpu 5 .*waits for the next reset.*row-remap-pending/,
    plant: (world) => writeFileSync(worker(world).gpuFaults, "5\tremapped_rows.pending\tYes\n"),
    mend: (world) => writeFileSync(worker(world).gpuFaults, ""),
  },
  {
    name: "an InfiniBand port is down",
    rung: "links",
    says: /gpu-d, port mlx5_3\/1: the port is down/,
    plant: (world) => writeFileSync(portState(world), "1: DOWN\n"),
    mend: (world) => writeFileSync(portState(world), "4: ACTIVE\n"),
  },
  {
    name: "the cache of compiled kernels is cold",
    rung: "kernels",
    says: /gpu-c has 0 compiled kernels of 12/,
    plant: (world) => rmSync(leader(world).kernelCache, { recursive: true }),
    mend: (world) => keepKernels(leader(world).kernelCache),
  },
  {
    name: "the agent's token has expired",
    rung: "servers",
    says: /gpu-d.*the agent answered 401/,
    plant: (world) => world.startAgent(worker(world), {}, "another-token-of-yesterday"),
    mend: (world) => world.startAgent(worker(world)),
  },
  {
    name: "the engine asks for a key that the gateways do not have",
    rung: "keys",
    says: /refuses the key of the gateways \(401\)/,
    plant: (world) => world.restartStandby(["--api-key", "of-last-month"]),
    mend: (world) => world.restartStandby(),
  },
  {
    name: "a rank hangs, with every socket open and every process running",
    rung: "answers",
    says: /no answer in \d+ s: a rank hangs/,
    plant: async (world) => void (await worker(world).order({ fault: "hang" })),
    mend: async (world) => void (await worker(world).order({ fault: "clear" })),
  },
  {
    name: "a rank's process is stopped",
    rung: "pods",
    says: /gpu-d, rank (b\/)?11: .*stopped/,
    plant: async (world) => void (await worker(world).order({ fault: "stop-rank", rank: 11 })),
    mend: async (world) => void (await worker(world).order({ fault: "continue-rank", rank: 11 })),
  },
  {
    name: "a rank is slow",
    rung: "speed",
    says: /ms a token, and [\d.]+ ms is what this revision needs: a rank is slow/,
    plant: async (world) => void (await worker(world).order({ fault: "slow", factor: 4 })),
    mend: async (world) => void (await worker(world).order({ fault: "clear" })),
  },
  {
    name: "its answers are wrong",
    rung: "answers",
    says: /answers are wrong; golden prompt \d of 8: it writes another token/,
    plant: async (world) => void (await leader(world).order({ fault: "wrong-answer", every: 7 })),
    mend: async (world) => void (await leader(world).order({ fault: "clear" })),
  },
  {
    name: "a disk is full",
    rung: "room",
    says: /gpu-c: 0\.1 GiB of .* GiB are free on the disk of \//,
    plant: (world) => writeFileSync(leader(world).diskFaults, "/\t100000\n"),
    mend: (world) => writeFileSync(leader(world).diskFaults, ""),
  },
  {
    name: "the clock of a server is wrong",
    rung: "clocks",
    says: /the clock of gpu-d is 90\.\d s ahead/,
    plant: (world) => world.startAgent(worker(world), { NODE_OPTIONS: `--import ${SKEW}`, SKEW_MS: "90000" }),
    mend: (world) => world.startAgent(worker(world)),
  },
];

describe("a defect of the standby that no failover has met yet", () => {
  let world: ReadinessWorld;
  beforeAll(async () => {
    world = await (isProduction ? ReadinessWorld.start({}) : ReadinessWorld.start());
    await world.until(({ ready }) => ready, 30_000);
  });
  afterAll(async () => {
    await world?.close();
    expect(world?.errors ?? []).toEqual([]);
  });

  test.each(DEFECTS)(
    "$name",
    async ({ rung, says, plant, mend }) => {
      await world.until(({ ready }) => ready, 60_000);
      try {
        await plant(world);
        const planted = performance.now();
        const status = await world.until(
          ({ ready, rungs }) => !ready && says.test(rungs.find(({ name }) => name === rung)?.detail ?? ""),
          WITHIN_MS,
        );
        if (isProduction) console.log(`red after ${((performance.now() - planted) / 1000).toFixed(1)} s`);
        // The reason that people read is the rung's.
        expect(status.reasons.join("\n")).toMatch(says);
        expect(status.rungs.find(({ name }) => name === rung)).toMatchObject({ ok: false });
      } finally {
        await mend(world);
      }
      await world.until(({ ready }) => ready, 60_000);
    },
    120_000,
  );
});
