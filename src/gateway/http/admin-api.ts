import type { IncomingMessage, ServerResponse } from "node:http";
import { z } from "zod";
import type { ApiKeys } from "../../stream/api-keys.ts";
import type { Gateway } from "../gateway.ts";
import { sendJson, sendRefusal } from "../stream/sink.ts";
import { readJsonBody } from "./read-body.ts";
import { RefusedRequest } from "./refused-request.ts";

const RoleSchema = z.strictObject({
  active: z.string(),
  epoch: z.int().min(1),
  reason: z.string().max(500),
  why: z.string().max(50).optional(),
  members: z
    .record(z.string(), z.array(z.string()))
    .refine((members) => new Set(Object.values(members).flat()).size === Object.values(members).flat().length, {
      error: "a server is in one group alone",
    })
    .optional(),
  servers: z
    .record(z.string(), z.strictObject({ agent: z.url(), engine: z.url().optional() }))
    .refine((servers) => Object.keys(servers).length > 0, { error: "want at least one server" })
    .optional(),
});
const MAX_BODY_BYTES = 65_536;

/** The operators' side: `/healthz` open, for the keeper of the address; `/metrics`, `/status[?after=VERSION&wait=MS]`, `/decisions?since=MS` and `PUT /role` with the admin token. */
export async function handleAdmin(
  gateway: Gateway,
  tokens: ApiKeys,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  response.on("error", () => {});
  try {
    const [path, query] = (request.url ?? "/").split("?", 2);
    if (path === "/healthz") {
      const { leaving } = gateway;
      return sendJson(response, leaving === "ends" ? 503 : 200, JSON.stringify({ draining: leaving !== "no" }));
    }
    if (tokens.nameOf(request.headers.authorization) === null) throw new RefusedRequest(401, "want the admin token");
    if (path === "/status" && request.method === "GET") {
      const asked = new URLSearchParams(query);
      if (asked.has("after"))
        await gateway.changes.after(Number(asked.get("after")), Number(asked.get("wait") ?? 0) || 0);
      return sendJson(response, 200, JSON.stringify(gateway.status));
    }
    if (path === "/decisions" && request.method === "GET") {
      const since = Number(new URLSearchParams(query).get("since") ?? 0);
      if (Number.isNaN(since)) throw new RefusedRequest(400, "since: want milliseconds since the epoch");
      return sendJson(response, 200, JSON.stringify(gateway.decisions(since)));
    }
    if (path === "/metrics" && request.method === "GET") {
      const { registry } = gateway.metrics;
      return void response.writeHead(200, { "content-type": registry.contentType }).end(await registry.metrics());
    }
    if (path === "/role" && request.method === "PUT")
      return setRole(gateway, await readJsonBody(request, MAX_BODY_BYTES), response);
    throw new RefusedRequest(404, "want GET /status, GET /decisions, GET /metrics or PUT /role");
  } catch (error) {
    if (!(error instanceof RefusedRequest)) throw error;
    sendRefusal(response, error);
  }
}

function setRole(gateway: Gateway, raw: unknown, response: ServerResponse): void {
  const role = RoleSchema.safeParse(raw);
  if (!role.success) throw new RefusedRequest(400, z.prettifyError(role.error));
  if (gateway.status.groups[role.data.active] === undefined)
    throw new RefusedRequest(400, `there is no group ${role.data.active}`);
  if (!gateway.roles.set(role.data))
    throw new RefusedRequest(
      409,
      `epoch ${role.data.epoch} is not above ${gateway.roles.role.epoch}, and tells nothing new`,
      {
        code: "old_epoch",
      },
    );
  sendJson(response, 200, JSON.stringify(gateway.status));
}
