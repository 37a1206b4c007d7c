import { hostname, userInfo } from "node:os";
import { isConflict } from "../../kube/errors.ts";
import type { LiveObject } from "../../kube/objects.ts";
import { patchIfUnchanged } from "../../kube/patch.ts";
import type { ModelService, ModelServiceSpec } from "../../manifests/model-service/resource.ts";
import type { ServiceAccess } from "./access.ts";
import { readService } from "./follow.ts";
import { kubeTrouble } from "./kube-trouble.ts";

/** The owner of `spec.pause` and `spec.request`; Pulumi owns the rest. */
const FIELD_MANAGER = "tandem-cli";
/** The status changes every few seconds, and every change moves the resource version that we write against. */
const TRIES = 8;

/** Null takes the field away. */
export type Change = { [Key in "pause" | "request"]?: ModelServiceSpec[Key] | null };

/**
 * Changes what people own in the spec, decided on what was just read: where somebody else wrote in between it is read and
 * decided anew. `decide` returns null to leave everything as it is.
 *
 * @returns the ModelService as it is then
 * @throws TandemError `E_FORBIDDEN` with the right that is missing
 */
export async function changeService(
  access: ServiceAccess,
  doing: string,
  decide: (service: ModelService) => Change | null,
): Promise<ModelService> {
  for (let attempt = 1; ; attempt++) {
    const service = await readService(access);
    const change = decide(service);
    if (change === null) return service;
    try {
      const read = service as unknown as LiveObject;
      const written = await patchIfUnchanged(
        access.client,
        access.path,
        read,
        { spec: change },
        { fieldManager: FIELD_MANAGER },
      );
      return written as unknown as ModelService;
    } catch (error) {
      if (isConflict(error) && attempt < TRIES) continue;
      throw kubeTrouble(error, access, doing);
    }
  }
}

/** Who asks, for the record: people look for the person, not for the certificate. */
export function whoAsks(): string {
  return `${userInfo().username}@${hostname()}`;
}
