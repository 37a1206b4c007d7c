import type { KubeClient } from "./client.ts";
import { KubeError } from "./errors.ts";
import type { LiveObject } from "./objects.ts";

export type WatchEvent = { type: "ADDED" | "MODIFIED" | "DELETED"; object: LiveObject };

/**
 * The changes of one object after a resource version. Ends when the API server ends the watch, which it does every few
 * minutes; the caller then reads the object anew.
 *
 * @throws KubeError 410 when the version is too old.
 */
export function watchObject(
  client: KubeClient,
  objectPath: string,
  resourceVersion: string,
  signal: AbortSignal,
): AsyncGenerator<WatchEvent> {
  const cut = objectPath.lastIndexOf("/");
  const fieldSelector = `metadata.name=${decodeURIComponent(objectPath.slice(cut + 1))}`;
  return watchPath(client, objectPath.slice(0, cut), { fieldSelector }, resourceVersion, signal);
}

/** The same for every object under a path that a selector names. */
export async function* watchPath(
  client: KubeClient,
  path: string,
  selector: { fieldSelector?: string; labelSelector?: string },
  resourceVersion: string,
  signal: AbortSignal,
): AsyncGenerator<WatchEvent> {
  const stream = await client.stream({
    method: "GET",
    path,
    query: { watch: "1", resourceVersion, ...selector, allowWatchBookmarks: "true", timeoutSeconds: "240" },
    timeoutMs: 300_000,
    signal,
  });
  for await (const line of lines(stream)) {
    const event = JSON.parse(line) as { type: string; object: LiveObject & { code?: number; message?: string } };
    if (event.type === "ERROR") {
      throw new KubeError(event.object.code ?? 500, "Watch", event.object.message ?? "the watch failed");
    }
    if (event.type !== "BOOKMARK") yield event as WatchEvent;
  }
}

/** Splits bytes into lines; a line may come in several pieces. */
export async function* lines(stream: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const piece of stream) {
    rest += decoder.decode(piece, { stream: true });
    const complete = rest.split("\n");
    rest = complete.pop() ?? "";
    for (const line of complete) if (line !== "") yield line;
  }
  if (rest.trim() !== "") yield rest;
}
