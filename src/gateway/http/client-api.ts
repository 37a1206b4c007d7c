import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Logger } from "pino";
import type { ApiKeys } from "../../stream/api-keys.ts";
import type { Group } from "../groups/group.ts";
import type { Leaving } from "../leaving.ts";
import { CarriedStream } from "../stream/carried-stream.ts";
import { type RequestKind, readClientRequest } from "../stream/client-request.ts";
import { PlainRequest } from "../stream/plain-request.ts";
import { StreamSink, sendJson, sendRefusal, toldIn, WholeSink } from "../stream/sink.ts";
import type { Traffic } from "../traffic.ts";
import type { BodyBudget } from "./body-budget.ts";
import { readJsonBody } from "./read-body.ts";
import { goingDown, RefusedRequest } from "./refused-request.ts";

export interface ClientApi {
  keys: ApiKeys;
  traffic: Traffic;
  maxBodyBytes: number;
  bodies: BodyBudget;
  slowClientMs: number;
  /** The group that new requests go to. */
  current(): Group;
  leaving(): Leaving;
  /** A request was refused before anything was done for it. */
  onRefused(status: number): void;
  log: Logger;
}

const KINDS: Record<string, RequestKind> = { "/v1/chat/completions": "chat", "/v1/completions": "completions" };

/** Handles one request of a client. Only the paths named here exist: nothing else of an engine is reachable through it. */
export async function handleClient(api: ClientApi, request: IncomingMessage, response: ServerResponse): Promise<void> {
  response.on("error", () => {});
  const id = randomUUID().replaceAll("-", "");
  response.setHeader("x-request-id", id);
  // The next request of this client is its successor's.
  if (api.leaving() === "handed over") response.setHeader("connection", "close");
  try {
    await route(api, id, request, response);
  } catch (error) {
    if (!(error instanceof RefusedRequest)) throw error;
    api.onRefused(error.status);
    // Unread bytes of a refused body must not be read as the next request.
    if (!request.complete) response.setHeader("connection", "close");
    sendRefusal(response, error);
  }
}

async function route(api: ClientApi, id: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = (request.url ?? "/").split("?")[0] ?? "/";
  if (path === "/healthz" && request.method === "GET") {
    // From SIGTERM on: whoever can choose between replicas takes another. The address has the admin port to ask.
    const draining = api.leaving() !== "no";
    return sendJson(response, draining ? 503 : 200, JSON.stringify({ status: draining ? "draining" : "serving" }));
  }
  const key = api.keys.nameOf(request.headers.authorization);
  response.once("close", () => logEnd(api.log, { request: id, key }, response));
  if (key === null)
    throw new RefusedRequest(401, "want `Authorization: Bearer KEY` with a key of this gateway", {
      code: "invalid_api_key",
    });
  if (path === "/v1/models") {
    if (request.method !== "GET") throw new RefusedRequest(405, "want GET");
    return sendJson(response, 200, models(api.traffic));
  }
  const kind = KINDS[path];
  if (kind === undefined) throw new RefusedRequest(404, `there is no ${path.slice(0, 100)}`, { code: "not_found" });
  if (request.method !== "POST") throw new RefusedRequest(405, "want POST");
  if (api.leaving() === "ends") throw goingDown();
  api.traffic.assertRoom(api.current());
  const raw = await readJsonBody(request, api.maxBodyBytes, api.bodies.open(request, response));
  const checked = readClientRequest(kind, raw, api.traffic.model.name);
  // It may have come to that while the body was read.
  if (api.leaving() === "ends") throw goingDown();
  api.traffic.assertAdmitted(checked.fingerprint, api.current());
  const { traffic } = api;
  const rider = checked.streamUpstream
    ? new CarriedStream(
        id,
        checked,
        traffic,
        checked.stream ? new StreamSink(response, api.slowClientMs) : new WholeSink(response),
      )
    : new PlainRequest(id, checked, traffic, response);
  response.on("close", () => rider.cancel());
  traffic.admit(rider);
}

/** One line of each request that did not get its whole answer, by the id that its client has; none of those that did. */
function logEnd(log: Logger, who: { request: string; key: string | null }, response: ServerResponse): void {
  const told = toldIn(response);
  if (told === null) return;
  const { outcome, code } = told;
  const status = response.statusCode;
  // Not the message: it may quote the request.
  log[outcome === "interrupted" || status >= 500 ? "warn" : "info"]({ ...who, status, code }, `request ${outcome}`);
}

function models({ model }: Traffic): string {
  const { name, contextLength } = model;
  const data = [
    {
      id: name,
      object: "model",
      created: 0,
      owned_by: "tandem",
      root: name,
      parent: null,
      max_model_len: contextLength,
    },
  ];
  return JSON.stringify({ object: "list", data });
}
