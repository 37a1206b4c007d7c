import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { KubeClient } from "../../kube/client.ts";
import { isConflict } from "../../kube/errors.ts";
import type { LiveObject } from "../../kube/objects.ts";
import { patchIfUnchanged } from "../../kube/patch.ts";
import type { ModelService, ModelServiceSpec } from "../../manifests/model-service/resource.ts";

/** One ModelService at an API server. */
export interface ServiceAt {
  client: KubeClient;
  path: string;
}

/** What was released before, as JSON: kept on the object, so that whoever comes after a crash can put it back. */
const BEFORE = "tandem.dev/before-bad-release";
const FIELD_MANAGER = "tandem-drill";
const TRIES = 8;
const TIMEOUT_MS = 5_000;
const POLL_MS = 200;
/** An argument that no engine knows: it ends at once, as one with a slip in its flags does. */
const SLIP = "--no-such-flag-drill";

/** Releases what cannot start, as an edit of the spec with a slip in it and `tandem up` would. */
export async function releaseBadly(at: ServiceAt): Promise<string> {
  const revision = `bad-${randomBytes(4).toString("hex")}`;
  await change(at, ({ spec, metadata }) => {
    if (metadata.annotations?.[BEFORE] !== undefined) throw new Error("a bad release is out already");
    const { template, revision: before } = spec;
    return {
      metadata: { annotations: { [BEFORE]: JSON.stringify({ template, revision: before }) } },
      spec: { revision, template: withSlip(template) },
    };
  });
  return revision;
}

/** Puts the release before it back; nothing where there was none. */
export async function releaseAsBefore(at: ServiceAt): Promise<void> {
  await change(at, ({ metadata }) => {
    const before = metadata.annotations?.[BEFORE];
    if (before === undefined) return null;
    const { template, revision } = JSON.parse(before) as Pick<ModelServiceSpec, "template" | "revision">;
    return { metadata: { annotations: { [BEFORE]: null } }, spec: { template, revision } };
  });
}

/** Resolves when a group runs with it, or was given up with it; at the latest after `withinMs`. */
export async function releaseReached(at: ServiceAt, revision: string, withinMs: number): Promise<boolean> {
  for (const endMs = performance.now() + withinMs; performance.now() < endMs; await sleep(POLL_MS)) {
    const { status } = await read(at);
    if (status?.groups.some((group) => [group.revision, group.failedRevision].includes(revision))) return true;
  }
  return false;
}

/** The same pods with one argument more. Pure. */
export function withSlip(template: Record<string, unknown>): Record<string, unknown> {
  return JSON.parse(JSON.stringify(template), (key, value: unknown) =>
    key === "args" && Array.isArray(value) ? [...value, SLIP] : value,
  ) as Record<string, unknown>;
}

async function change(
  at: ServiceAt,
  decide: (service: ModelService) => { metadata: object; spec: object } | null,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const service = await read(at);
    const wanted = decide(service);
    if (wanted === null) return;
    try {
      await patchIfUnchanged(at.client, at.path, service as unknown as LiveObject, wanted, {
        fieldManager: FIELD_MANAGER,
      });
      return;
    } catch (error) {
      // The status changes every few seconds, and every change moves the version that we write against.
      if (!isConflict(error) || attempt >= TRIES) throw error;
    }
  }
}

function read({ client, path }: ServiceAt): Promise<ModelService> {
  return client.json<ModelService>({ method: "GET", path, timeoutMs: TIMEOUT_MS });
}
