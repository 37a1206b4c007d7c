import type { KubeClient } from "./client.ts";
import type { LiveObject } from "./objects.ts";

const TIMEOUT_MS = 5_000;

export interface PatchOptions {
  fieldManager: string;
  /** `status` for kinds that have it apart. */
  subresource?: "status";
  signal?: AbortSignal;
}

/**
 * Changes fields of an object that was read, and only if nobody changed it since: the API server compares the resource
 * version. Maps are merged, null takes a field away, lists are replaced as a whole.
 *
 * @throws KubeError 409 if it was changed, or deleted and made anew
 */
export async function patchIfUnchanged(
  client: KubeClient,
  path: string,
  read: LiveObject,
  change: { metadata?: object; [field: string]: unknown },
  { fieldManager, subresource, signal }: PatchOptions,
): Promise<LiveObject> {
  const { uid, resourceVersion } = read.metadata;
  return client.json<LiveObject>({
    method: "PATCH",
    path: subresource === undefined ? path : `${path}/${subresource}`,
    query: { fieldManager },
    contentType: "application/merge-patch+json",
    body: { ...change, metadata: { ...change.metadata, uid, resourceVersion } },
    timeoutMs: TIMEOUT_MS,
    signal,
  });
}
