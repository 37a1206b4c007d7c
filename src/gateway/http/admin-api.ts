import type { IncomingMessage, ServerResponse } from "node:http";
import { z } from "zod";
import type { ApiKeys } from "../../stream/api-keys.ts";
import type { Gateway } from "../gateway.ts";
import { RoleSchema } from "../role-schema.ts";
import { sendJson, sendRefusal } from "../stream/sink.ts";
import { readJsonBody } from "./read-body.ts";
import { RefusedRequest } from "./refused-request.ts";

// Who tells a role here is asked for exactly that: a word too many is a mistake.
const ToldRoleSchema = z.strictObject({ ...RoleSchema.shape, epoch: z.int().min(1) });
const MAX_BODY_BYTES = 65_536;

export interface AdminApi {
  gateway: Gateway;
  tokens: ApiKeys;
  /** Of this process: another answer on the same port is another replica's. */
  instance: string;
}

/** The operators' side: `/healthz` open, for the keeper of the address; `/metrics`, `/status[?after=VERSION&wait=MS]`, `/decisions?since=MS` and `PUT /role` with the admin token. */
export async function handleAdmin(
  { gateway, tokens, instance }: AdminApi,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  response.on("error", () => {});
  // Who keeps its connection would tell the roles to this replica alone, and not to its successor.
  const letGo = () => gateway.leaving === "handed over" && response.setHeader("connection", "close");
  letGo();
  try {
    const [path, query] = (request.url ?? "/").split("?", 2);
    if (path === "/healthz") {
      const { leaving } = gateway;
      const health = JSON.stringify({ draining: leaving !== "no", instance });
      return sendJson(response, leaving === "ends" ? 503 : 200, health);
    }
    if (tokens.nameOf(request.headers.authorization) === null) throw new RefusedRequest(401, "want the admin token");
    if (path === "/status" && request.method === "GET") {
      const asked = new URLSearchParams(query);
      if (asked.has("after"))
        await gateway.changes.after(Number(asked.get("after")), Number(asked.get("wait") ?? 0) || 0);
      letGo();
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
  const role = ToldRoleSchema.safeParse(raw);
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
