import { createHash, randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { ApiKeys } from "../stream/api-keys.ts";
import { tlsServer } from "../stream/tls.ts";
import type { GatewayConfig, GatewaySecrets } from "./config.ts";
import { ASKED_WITHIN_MS, drain, handOver } from "./drain.ts";
import { Gateway, type GatewayParts } from "./gateway.ts";
import { handleAdmin } from "./http/admin-api.ts";
import { BodyBudget } from "./http/body-budget.ts";
import { handleClient } from "./http/client-api.ts";
import { OpenAnswers } from "./http/open-answers.ts";
import { rememberRoles } from "./remembered-role.ts";
import { followSuccessor, hasSuccessor } from "./successor.ts";

export interface RunningGateway {
  gateway: Gateway;
  /** `http://127.0.0.1:PORT`, or https. */
  url: string;
  adminUrl: string;
  /** Lets running answers end until the drain's deadline, or all if a successor is there, ends what is left with an error, and stops. */
  stop(): Promise<void>;
}

/** Starts one gateway with both of its HTTP servers. */
export async function serveGateway(
  config: GatewayConfig,
  secrets: GatewaySecrets,
  parts: GatewayParts,
): Promise<RunningGateway> {
  const gateway = await Gateway.start(config, secrets, parts);
  const { roleFile } = config;
  const remembers = roleFile === undefined ? null : rememberRoles(gateway.roles, roleFile, parts.log);
  const { traffic, keys } = gateway;
  const api = {
    keys,
    traffic,
    maxBodyBytes: config.limits.maxBodyBytes,
    bodies: new BodyBudget(config.limits.maxHeldBodyBytes),
    slowClientMs: config.limits.slowClientMs,
    current: () => gateway.current(),
    leaving: () => gateway.leaving,
    log: parts.log,
    onRefused: (status: number) => gateway.metrics.refusals.inc({ status }),
  };
  const options = {
    maxHeaderSize: 16_384,
    headersTimeout: ASKED_WITHIN_MS,
    requestTimeout: 60_000,
    keepAliveTimeout: 75_000,
    noDelay: true,
  };
  const guard = (handler: (request: IncomingMessage, response: ServerResponse) => Promise<void>) => {
    return (request: IncomingMessage, response: ServerResponse) => {
      handler(request, response).catch((error: unknown) => {
        parts.log.error(
          {
            request: response.getHeader("x-request-id"),
            error: error instanceof Error ? error.stack : String(error),
          },
          "a request failed in the gateway",
        );
        if (response.headersSent) response.destroy();
        else
          response
            .writeHead(500, { "content-type": "application/json" })
            .end('{"error":{"message":"internal error","type":"server_error","param":null,"code":null}}');
      });
    };
  };
  const answers = new OpenAnswers();
  const onClient = guard((request, response) => {
    answers.add(response);
    return handleClient(api, request, response);
  });
  const { tls } = config.listen;
  const clients = tls === undefined ? createServer(options, onClient) : tlsServer(options, tls, onClient, parts.log);
  const tokens = new ApiKeys([
    { name: "admin", sha256: createHash("sha256").update(secrets.adminToken).digest("hex") },
  ]);
  const operators = { gateway, tokens, instance: randomUUID() };
  const admin = createServer(
    options,
    guard((request, response) => handleAdmin(operators, request, response)),
  );
  const { sharedPorts } = config;
  try {
    await listen(admin, config.admin, sharedPorts);
    await listen(clients, config.listen, sharedPorts);
  } catch (error) {
    gateway.close();
    admin.close();
    await remembers?.();
    throw error;
  }
  const urlOf = (server: Server, host: string, scheme: string) => {
    const { port } = server.address() as AddressInfo;
    return `${scheme}://${host === "0.0.0.0" ? "127.0.0.1" : host}:${port}`;
  };
  const adminUrl = urlOf(admin, config.admin.host, "http");
  const leave = async () => {
    if (!sharedPorts || !(await hasSuccessor(adminUrl, operators.instance)))
      return drain(gateway, answers, config.limits.drainMs);
    parts.log.info("a successor serves the same ports: what runs goes on to its end");
    admin.close();
    const over = new AbortController();
    const following = followSuccessor(adminUrl, secrets.adminToken, gateway.roles, over.signal);
    // No answer takes longer.
    await handOver(gateway, answers, clients, config.limits.totalDeadlineMs);
    over.abort();
    await following;
  };
  return {
    gateway,
    url: urlOf(clients, config.listen.host, tls === undefined ? "http" : "https"),
    adminUrl,
    stop: async () => {
      await leave();
      clients.close();
      clients.closeAllConnections();
      admin.close();
      admin.closeAllConnections();
      gateway.close();
      await remembers?.();
    },
  };
}

async function listen(
  server: Server,
  { host, port }: { host: string; port: number },
  reusePort: boolean,
): Promise<void> {
  server.listen({ host, port, reusePort });
  await once(server, "listening");
}
