import { setTimeout as delay } from "node:timers/promises";
import { isPassing, KubeError } from "../../kube/errors.ts";
import type { LiveObject } from "../../kube/objects.ts";
import { watchObject } from "../../kube/watch.ts";
import type { ModelService } from "../../manifests/model-service/resource.ts";
import type { ServiceAccess } from "./access.ts";
import { kubeTrouble } from "./kube-trouble.ts";

const PAUSE_MS = 500;

/** @throws TandemError `E_FORBIDDEN`, `E_NO_MODEL_SERVICE`, `E_NO_API_SERVER` */
export async function readService(access: ServiceAccess, signal?: AbortSignal): Promise<ModelService> {
  try {
    return await access.client.json<ModelService>({ method: "GET", path: access.path, timeoutMs: 10_000, signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw kubeTrouble(error, access, "look at");
  }
}

/**
 * The ModelService now, and each time it changes. An API server that is away is waited through: what was asked for goes on
 * without it. Ends when `signal` is aborted.
 */
export async function* followService(access: ServiceAccess, signal: AbortSignal): AsyncGenerator<ModelService> {
  while (!signal.aborted) {
    try {
      const service = await access.client.json<ModelService>({
        method: "GET",
        path: access.path,
        timeoutMs: 10_000,
        signal,
      });
      yield service;
      const version = service.metadata.resourceVersion ?? "0";
      for await (const { type, object } of watchObject(access.client, access.path, version, signal)) {
        if (type === "DELETED") break;
        yield object as LiveObject as unknown as ModelService;
      }
    } catch (error) {
      if (signal.aborted) return;
      const isExpired = error instanceof KubeError && error.status === 410;
      if (!isExpired && !isPassing(error)) throw kubeTrouble(error, access, "watch");
      await delay(PAUSE_MS, undefined, { signal }).catch(() => {});
    }
  }
}
