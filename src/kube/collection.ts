import { setTimeout as delay } from "node:timers/promises";
import type { KubeClient } from "./client.ts";
import type { LiveObject } from "./objects.ts";
import { watchPath } from "./watch.ts";

export interface Selector {
  labelSelector?: string;
  fieldSelector?: string;
}

export interface CollectionOptions {
  client: KubeClient;
  /** Of the kind in its namespace, e.g. `/api/v1/namespaces/prod/pods`. */
  path: string;
  selector: Selector;
  signal: AbortSignal;
  /** After every change, and once after each list. */
  onChange(): void;
  onProblem(error: unknown): void;
}

/** A selection of objects, kept up to date by a watch. */
export interface Collection {
  /** Null until the first list. */
  items(): readonly LiveObject[] | null;
  /** Reads anew from the API server (never from its watch cache), and keeps what it read. */
  read(): Promise<readonly LiveObject[]>;
  /** Takes what a write of our own returned: the watch tells of it later. */
  keep(object: LiveObject): void;
}

const READ_TIMEOUT_MS = 5_000;
const FIRST_PAUSE_MS = 200;
const LAST_PAUSE_MS = 2_000;

/** Lists, then watches, for as long as the signal allows; lists anew when a watch ended, broke or was too old (410). */
export function collection({ client, path, selector, signal, onChange, onProblem }: CollectionOptions): Collection {
  let known: Map<string, LiveObject> | null = null;
  let version = "";
  const read = async (): Promise<readonly LiveObject[]> => {
    const list = await client.json<{ metadata: { resourceVersion: string }; items: LiveObject[] }>({
      method: "GET",
      path,
      query: { ...selector },
      timeoutMs: READ_TIMEOUT_MS,
      signal,
    });
    version = list.metadata.resourceVersion;
    known = new Map(list.items.map((item) => [keyOf(item), item]));
    return list.items;
  };
  const keep = (object: LiveObject): void => {
    if (known !== null && !isOlder(object, known.get(keyOf(object)))) known.set(keyOf(object), object);
  };
  const follow = async (): Promise<void> => {
    for (let pauseMs = FIRST_PAUSE_MS; !signal.aborted; ) {
      try {
        await read();
        onChange();
        for await (const { type, object } of watchPath(client, path, selector, version, signal)) {
          pauseMs = FIRST_PAUSE_MS;
          if (type === "DELETED") known?.delete(keyOf(object));
          else keep(object);
          onChange();
        }
      } catch (error) {
        if (signal.aborted) return;
        onProblem(error);
        await delay(pauseMs, undefined, { signal }).catch(() => {});
        pauseMs = Math.min(pauseMs * 2, LAST_PAUSE_MS);
      }
    }
  };
  void follow();
  return { items: () => (known === null ? null : [...known.values()]), read, keep };
}

const keyOf = ({ metadata }: LiveObject): string => `${metadata.namespace ?? ""}/${metadata.name}`;

/**
 * A read of our own may be ahead of the watch. The API server promises that versions of one kind can be compared as numbers
 * since 1.35 (KEP-5504); before that every server did it so.
 */
function isOlder(object: LiveObject, known: LiveObject | undefined): boolean {
  if (known === undefined || known.metadata.uid !== object.metadata.uid) return false;
  return Number(object.metadata.resourceVersion) < Number(known.metadata.resourceVersion);
}
