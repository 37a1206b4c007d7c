import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { isDeepStrictEqual } from "node:util";
import type { LiveObject } from "../../src/kube/objects.ts";

export interface Write {
  client: string;
  method: string;
  path: string;
  body: unknown;
}

interface Watcher {
  collection: string;
  query: URLSearchParams;
  response: ServerResponse;
}

type Body = Record<string, unknown> & { metadata?: Partial<LiveObject["metadata"]> };

/**
 * The part of an API server that controllers stand on, kept in memory: collections with selectors and watches, resource versions
 * that grow, merge patches and server-side applies that are refused when uid or version moved, deletes with preconditions and
 * grace. Not imitated: schemas, defaults, field ownership, controllers.
 */
export class MemoryApi {
  readonly objects = new Map<string, LiveObject>();
  /** Writes that were carried out, in order. */
  readonly writes: Write[] = [];
  /** Called before a request is looked at; it may answer by itself (true), or hold it up. */
  intercept: (
    request: { client: string; method: string; path: string; body: unknown },
    response: ServerResponse,
  ) => Promise<boolean> = async () => false;
  /** Clients whose process is gone: nothing of theirs is taken any more, and nothing answered. */
  readonly dead = new Set<string>();
  /** After a write and before its answer. */
  answered: (write: Write) => Promise<void> = async () => {};
  /** After a change: the place of the controllers of a real cluster. */
  onChange: (path: string, object: LiveObject | null) => void = () => {};
  #version = 100;
  readonly #watchers = new Set<Watcher>();
  readonly #server = createServer((request, response) => void this.#answer(request, response));

  static async start(): Promise<MemoryApi> {
    const api = new MemoryApi();
    await new Promise<void>((resolve) => api.#server.listen(0, "127.0.0.1", resolve));
    return api;
  }

  /** For one client, which the server then knows by its name. */
  kubeconfig(client = "sesame"): string {
    const { port } = this.#server.address() as AddressInfo;
    return JSON.stringify({
      "current-context": "x",
      contexts: [{ name: "x", context: { cluster: "x", user: "x" } }],
      clusters: [{ name: "x", cluster: { server: `http://127.0.0.1:${port}` } }],
      users: [{ name: "x", user: { token: client } }],
    });
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  get<Found = LiveObject>(path: string): Found | undefined {
    return this.objects.get(path) as Found | undefined;
  }

  /** Puts an object there, or in the place of another, as a controller or a person would. */
  put(path: string, object: { metadata?: object; [field: string]: unknown }): LiveObject {
    const before = this.objects.get(path);
    const name = path.slice(path.lastIndexOf("/") + 1);
    const metadata = {
      creationTimestamp: before?.metadata.creationTimestamp ?? new Date().toISOString(),
      ...object.metadata,
      name,
      uid: before?.metadata.uid ?? `uid-${++this.#version}`,
      resourceVersion: String(++this.#version),
    };
    const stored = { apiVersion: "v1", kind: "Thing", ...structuredClone(object), metadata } as LiveObject;
    this.objects.set(path, stored);
    this.#tell(before === undefined ? "ADDED" : "MODIFIED", path, stored, before);
    return stored;
  }

  /** A merge patch without conditions. */
  change(path: string, patch: object): LiveObject {
    const before = this.objects.get(path);
    if (before === undefined) throw new Error(`nothing at ${path}`);
    return this.put(path, merge(before, patch) as LiveObject);
  }

  drop(path: string): void {
    const before = this.objects.get(path);
    this.objects.delete(path);
    if (before === undefined) return;
    this.#tell("DELETED", path, {
      ...before,
      metadata: { ...before.metadata, resourceVersion: String(++this.#version) },
    });
  }

  /** Ends every watch, as an API server that restarts does. */
  endWatches(): void {
    for (const { response } of this.#watchers) response.destroy();
    this.#watchers.clear();
  }

  list(collection: string): LiveObject[] {
    return [...this.objects].flatMap(([path, object]) => (parentOf(path) === collection ? [object] : []));
  }

  /** A watch of a selection sees an object that leaves the selection as one that is gone. */
  #tell(type: string, path: string, object: LiveObject, before?: LiveObject): void {
    for (const { collection, query, response } of this.#watchers) {
      if (parentOf(path) !== collection) continue;
      if (matches(object, query)) response.write(`${JSON.stringify({ type, object })}\n`);
      else if (before !== undefined && matches(before, query))
        response.write(`${JSON.stringify({ type: "DELETED", object })}\n`);
    }
    this.onChange(path, type === "DELETED" ? null : object);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = "";
    for await (const part of request) text += String(part);
    const { pathname: path, searchParams: query } = new URL(request.url ?? "", "http://api");
    const method = request.method ?? "GET";
    const body = (text === "" ? undefined : JSON.parse(text)) as Body | undefined;
    const client = String(request.headers.authorization).replace("Bearer ", "");
    if (this.dead.has(client)) return void response.destroy();
    if (await this.intercept({ client, method, path, body }, response)) return;
    if (this.dead.has(client)) return void response.destroy();
    if (method === "GET") return this.#read(path, query, response);
    const written = this.#write(method, path, String(request.headers["content-type"]), body ?? {}, response);
    if (written === null) return;
    this.writes.push({ client, method, path, body });
    await this.answered({ client, method, path, body });
    if (this.dead.has(client)) return void response.destroy();
    send(response, 200, written);
  }

  #read(path: string, query: URLSearchParams, response: ServerResponse): void {
    const found = this.objects.get(path);
    if (found !== undefined) {
      send(response, 200, found);
      return;
    }
    const isCollection = /\/(pods|nodes|leaderworkersets|modelservices|drills|leases|services|events)$/.test(path);
    if (!isCollection) {
      refuse(response, 404, "NotFound", `${path} not found`);
      return;
    }
    if (query.get("watch") !== "1") {
      const items = this.list(path).filter((item) => matches(item, query));
      send(response, 200, { metadata: { resourceVersion: String(this.#version) }, items });
      return;
    }
    response.writeHead(200, { "content-type": "application/json" });
    response.flushHeaders();
    // What happened between the list and the watch.
    const since = Number(query.get("resourceVersion"));
    for (const item of this.list(path))
      if (Number(item.metadata.resourceVersion) > since && matches(item, query))
        response.write(`${JSON.stringify({ type: "MODIFIED", object: item })}\n`);
    const watcher = { collection: path, query, response };
    this.#watchers.add(watcher);
    response.on("close", () => this.#watchers.delete(watcher));
  }

  #write(method: string, path: string, type: string, body: Body, response: ServerResponse): LiveObject | null {
    if (method === "POST") {
      const name = body.metadata?.name ?? `${body.metadata?.generateName ?? "x"}${++this.#version}`;
      if (this.objects.has(`${path}/${name}`)) return refuse(response, 409, "AlreadyExists", `${name} exists`);
      return this.put(`${path}/${name}`, body);
    }
    const isStatus = path.endsWith("/status");
    const place = isStatus ? path.slice(0, -"/status".length) : path;
    const found = this.objects.get(place);
    const isApply = type.includes("apply-patch");
    const precondition =
      method === "DELETE" ? (body.preconditions as LiveObject["metadata"] | undefined) : body.metadata;
    if (found === undefined) {
      if (isApply && precondition?.uid === undefined) return this.put(place, body);
      return refuse(response, isApply ? 409 : 404, isApply ? "Conflict" : "NotFound", `${place} not found`);
    }
    const { uid, resourceVersion } = precondition ?? {};
    const moved = resourceVersion !== undefined && resourceVersion !== found.metadata.resourceVersion;
    if ((uid !== undefined && uid !== found.metadata.uid) || moved)
      return refuse(response, 409, "Conflict", "the object has been modified");
    if (method === "DELETE") return this.#delete(place, found, body);
    if (method === "PUT") return this.put(place, body);
    const { metadata: { uid: _u, resourceVersion: _v, ...metadata } = {}, status, ...rest } = body;
    const change = isStatus ? { metadata, status } : { metadata, ...rest };
    const changed = merge(found, change) as LiveObject;
    // As the real one: what changes nothing is no write.
    return isDeepStrictEqual(changed, found) ? found : this.put(place, changed);
  }

  #delete(path: string, found: LiveObject, { gracePeriodSeconds }: Body): LiveObject {
    if (!path.includes("/pods/") || gracePeriodSeconds === 0) {
      this.drop(path);
      return found;
    }
    const deletionTimestamp = found.metadata.deletionTimestamp ?? new Date().toISOString();
    return this.change(path, { metadata: { deletionTimestamp, deletionGracePeriodSeconds: gracePeriodSeconds ?? 30 } });
  }
}

const parentOf = (path: string): string => path.slice(0, path.lastIndexOf("/"));

/** RFC 7386. */
function merge(target: unknown, patch: unknown): unknown {
  if (patch === null || typeof patch !== "object" || Array.isArray(patch)) return structuredClone(patch);
  const base = target !== null && typeof target === "object" && !Array.isArray(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete (base as Record<string, unknown>)[key];
    else if (value !== undefined)
      (base as Record<string, unknown>)[key] = merge((base as Record<string, unknown>)[key], value);
  }
  return base;
}

function matches({ metadata }: LiveObject, query: URLSearchParams): boolean {
  const field = /^metadata\.name=(.+)$/.exec(query.get("fieldSelector") ?? "")?.[1];
  if (field !== undefined && field !== metadata.name) return false;
  const label = /^(\S+) in \((.*)\)$/.exec(query.get("labelSelector") ?? "");
  return label === null || (label[2] ?? "").split(",").includes(metadata.labels?.[label[1] ?? ""] ?? "");
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}

function refuse(response: ServerResponse, code: number, reason: string, message: string): null {
  send(response, code, { kind: "Status", code, reason, message });
  return null;
}
