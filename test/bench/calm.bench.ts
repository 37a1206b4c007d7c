import { setTimeout as sleep } from "node:timers/promises";
import { withService } from "../../src/cli/service/access.ts";
import { stackAccess } from "../../src/cli/stack-access.ts";
import { gatewayStatus } from "../../src/drill/cluster/gateway-status.ts";
import type { LiveObject } from "../../src/kube/objects.ts";
import { ensureEngine } from "../../src/machines/local/engine.ts";
import { targetsOf } from "../../src/machines/server/targets.ts";
import type { ModelService } from "../../src/manifests/model-service/resource.ts";
import { LWS_NAME_LABEL } from "../../src/manifests/names.ts";
import { onGround, untilRedundant } from "../support/gate-drill.ts";
import { keepLoad } from "../support/keep-load.ts";
import type { Bench, Measurement } from "./bench.ts";
import { disturbances } from "./calm/disturbances.ts";

/** A stack that runs: `tandem up` first. */
const STACK = process.env.BENCH_STACK ?? "local";
/** `BENCH_MINUTES=1` for a short look; the issue asks for ten minutes without API server. */
const API_AWAY_MS = Number(process.env.BENCH_MINUTES ?? 10) * 60_000;
const STREAMS = 20;
const SETTLE_MS = 10_000;

/** Who serves since when, and which pods do it: what a wrong action would change. */
interface Scene {
  epochs: string;
  moves: number;
  pods: string[];
}

/**
 * What is no fault of a group, one after the other on a cluster under load: no traffic moves, no pod of an engine is touched, no
 * request fails, and a failover would work again after each.
 */
export const bench: Bench = async () => {
  const { plan, record, apiKey, admin, adminToken } = await stackAccess(STACK);
  const engine = await ensureEngine();
  try {
    return await onGround(STACK, async (ground) =>
      withService({ stack: STACK }, async ({ client, path, namespace }) => {
        const scene = async (): Promise<Scene> => {
          const asked = Object.values(admin.replicas).map((url) => gatewayStatus({ url, token: adminToken }));
          const { status } = await client.json<ModelService>({ method: "GET", path });
          const pods = await client.json<{ items: LiveObject[] }>({
            method: "GET",
            path: `/api/v1/namespaces/${namespace}/pods`,
            query: { labelSelector: LWS_NAME_LABEL },
          });
          return {
            epochs: (await Promise.all(asked)).map(({ active, epoch }) => `${active} ${epoch}`).join(),
            moves: status?.moves.length ?? 0,
            pods: pods.items.map(lifeOf).sort(),
          };
        };
        const targets = targetsOf(plan.spec, record.spec).map(({ target }) => target);
        const controlPlane = Object.keys(plan.spec.controlPlane)[0] ?? "";
        const end = new AbortController();
        const door = { baseUrl: record.baseUrl, apiKey, isThere: () => true };
        const load = keepLoad(plan, () => door, STREAMS, end.signal);
        const rows: Measurement[] = [];
        try {
          for (const { name, run } of disturbances(API_AWAY_MS)) {
            const [before, beganMs] = [await scene(), performance.now()];
            await run({ stack: STACK, engine, arena: ground.arena, targets, controlPlane });
            await sleep(SETTLE_MS);
            await untilRedundant(ground);
            const wrong = differences(before, await scene());
            for (const text of wrong) process.stderr.write(`  ${name}: ${text}\n`);
            const how = `${((performance.now() - beganMs) / 1_000).toFixed(0)} s with ${STREAMS} streams`;
            process.stderr.write(`  ${name}: ${how}\n`);
            rows.push({
              what: `${name}: moves and touched pods`,
              measured: wrong.length,
              limit: 0,
              unit: "moves",
              how,
            });
          }
        } finally {
          end.abort();
        }
        const tally = await load;
        for (const failure of tally.failed) process.stderr.write(`  ${failure}\n`);
        const how = `${tally.requests} requests, ${tally.tokens} tokens`;
        return [
          ...rows,
          { what: "requests that failed", measured: tally.failed.length, limit: 0, unit: "requests", how },
        ];
      }),
    );
  } finally {
    await engine.api.close();
  }
};

/** A pod, and how often its programs were started. */
function lifeOf({ metadata, status }: LiveObject): string {
  const { containerStatuses = [] } = (status ?? {}) as { containerStatuses?: { restartCount: number }[] };
  return `${metadata.name} ${metadata.uid} ${containerStatuses.map(({ restartCount }) => restartCount).join()}`;
}

function differences(before: Scene, after: Scene): string[] {
  const pods = after.pods.filter((pod) => !before.pods.includes(pod)).map((pod) => `a pod is another one: ${pod}`);
  const epochs = before.epochs === after.epochs ? [] : [`${before.epochs} became ${after.epochs}`];
  const moves = before.moves === after.moves ? [] : [`${after.moves - before.moves} moves of the word`];
  return [...pods, ...epochs, ...moves];
}
