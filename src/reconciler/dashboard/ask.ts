import { randomUUID } from "node:crypto";
import type { KubeClient } from "../../kube/client.ts";
import { isConflict } from "../../kube/errors.ts";
import type { LiveObject } from "../../kube/objects.ts";
import { patchIfUnchanged } from "../../kube/patch.ts";
import type { ModelService, ModelServiceRequest } from "../../manifests/model-service/resource.ts";
import { isOpen } from "../../report/decision.ts";
import { planSwitchover } from "../../report/switchover.ts";

/** The owner of `spec.request` where a page asked. */
const FIELD_MANAGER = "tandem-dashboard";
/** The status changes every few seconds, and every change moves the resource version that we write against. */
const TRIES = 8;
const TIMEOUT_MS = 5_000;

/** Not asked for, with the reason; nothing was changed. */
export class NotAsked extends Error {
  readonly fix: string;

  constructor(why: string, fix: string) {
    super(why);
    this.name = "NotAsked";
    this.fix = fix;
  }
}

export interface AskedSwitchover {
  target: string;
  /** That the plan was shown for: a person agrees to what they saw. */
  epoch: number;
  by: string;
}

/**
 * Asks for a planned move as `tandem switchover` does: the same plan, made anew from a fresh read, and written against it.
 *
 * @throws NotAsked where it would be refused, or is not what was agreed to any more
 */
export async function askSwitchover(
  client: KubeClient,
  path: string,
  { target, epoch, by }: AskedSwitchover,
): Promise<ModelServiceRequest> {
  for (let attempt = 1; ; attempt++) {
    const service = await client.json<ModelService>({ method: "GET", path, timeoutMs: TIMEOUT_MS });
    assertAgreed(service, target, epoch);
    const request: ModelServiceRequest = {
      id: randomUUID(),
      kind: "switchover",
      target,
      by,
      at: new Date().toISOString(),
    };
    try {
      const read = service as unknown as LiveObject;
      await patchIfUnchanged(client, path, read, { spec: { request } }, { fieldManager: FIELD_MANAGER });
      return request;
    } catch (error) {
      if (!isConflict(error) || attempt >= TRIES) throw error;
    }
  }
}

function assertAgreed(service: ModelService, target: string, epoch: number): void {
  const { spec, status } = service;
  if (isOpen(service) && spec.request !== undefined)
    throw new NotAsked(
      `${spec.request.by} asked for ${spec.request.kind} ${spec.request.target}, and it is not done`,
      "Wait for its end and look again.",
    );
  if (status?.epoch !== epoch)
    throw new NotAsked(
      `traffic has moved since you looked: it is epoch ${status?.epoch ?? 0} now`,
      "Look at the new plan.",
    );
  const { refused } = planSwitchover(service, target);
  if (refused !== null) throw new NotAsked(refused.why, refused.fix);
}
