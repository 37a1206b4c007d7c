import { timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";

/** The power of one server as its BMC sees it; the BMC itself has its own supply and always answers. */
export interface Power {
  state(): Promise<"On" | "Off">;
  on(): Promise<void>;
  /** Cuts the supply: nothing is shut down in order. */
  off(): Promise<void>;
}

export interface BmcOptions {
  host: string;
  /** 0 takes a free one. */
  port: number;
  user: string;
  password: string;
  /** Name of the server, shown as HostName. */
  server: string;
  power: Power;
  /** PEM texts; without them the BMC speaks plain HTTP, which is for loopback. */
  tls?: { key: string; cert: string };
}

export interface Bmc {
  url: string;
  close(): Promise<void>;
}

const SYSTEM = "/redfish/v1/Systems/1";
const RESET = `${SYSTEM}/Actions/ComputerSystem.Reset`;
const RESET_TYPES = ["On", "ForceOff", "ForceRestart", "GracefulShutdown"] as const;
const BODY_LIMIT_BYTES = 65_536;

/**
 * Serves the part of Redfish that fencing needs (DSP0268, ComputerSystem): PowerState and ComputerSystem.Reset, with
 * basic authentication. A reset is accepted at once and takes effect later, so a caller has to read PowerState until it
 * says so, as with a real BMC.
 */
export async function startBmc(options: BmcOptions): Promise<Bmc> {
  let pending: "PoweringOn" | "PoweringOff" | null = null;
  let failure: string | null = null;
  const act = async (type: (typeof RESET_TYPES)[number]): Promise<void> => {
    failure = null;
    try {
      if (type !== "On") {
        pending = "PoweringOff";
        await options.power.off();
      }
      if (type === "On" || type === "ForceRestart") {
        pending = "PoweringOn";
        await options.power.on();
      }
    } catch (error) {
      failure = (error as Error).message;
    } finally {
      pending = null;
    }
  };
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = (request.url ?? "/").replace(/\/$/, "");
    // The service root is open to everybody by the standard.
    if (path === "/redfish/v1") return send(response, 200, root(options.server));
    if (!isUser(options, request.headers.authorization)) {
      response.setHeader("www-authenticate", 'Basic realm="BMC"');
      return send(response, 401, problem("Base.1.0.InsufficientPrivilege", "wrong user or password"));
    }
    if (path === "/redfish/v1/Systems" && request.method === "GET")
      return send(response, 200, { "@odata.id": path, Members: [{ "@odata.id": SYSTEM }], "Members@odata.count": 1 });
    if (path === SYSTEM && request.method === "GET")
      return send(response, 200, system(options.server, pending ?? (await options.power.state()), failure));
    if (path !== RESET) return send(response, 404, problem("Base.1.0.ResourceMissingAtURI", path));
    if (request.method !== "POST") return send(response, 405, problem("Base.1.0.OperationNotAllowed", path));
    const type = await resetType(request);
    if (type === null)
      return send(
        response,
        400,
        problem("Base.1.0.ActionParameterNotSupported", `ResetType: want one of ${RESET_TYPES.join(", ")}`),
      );
    if (pending !== null) return send(response, 409, problem("Base.1.0.ResourceInUse", `the system is ${pending}`));
    void act(type);
    response.writeHead(204).end();
  };
  const listener = (request: IncomingMessage, response: ServerResponse) =>
    void answer(request, response).catch((error: Error) =>
      response.headersSent ? response.destroy() : send(response, 500, problem("Base.1.0.InternalError", error.message)),
    );
  const server = options.tls === undefined ? createServer(listener) : createTlsServer(options.tls, listener);
  await new Promise<void>((resolve, reject) =>
    server.once("error", reject).listen(options.port, options.host, resolve),
  );
  const { port } = server.address() as AddressInfo;
  return {
    url: `${options.tls === undefined ? "http" : "https"}://${options.host}:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function isUser({ user, password }: BmcOptions, header: string | undefined): boolean {
  const given = Buffer.from((header ?? "").replace(/^Basic /i, ""), "base64");
  const wanted = Buffer.from(`${user}:${password}`);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

async function resetType(request: IncomingMessage): Promise<(typeof RESET_TYPES)[number] | null> {
  let text = "";
  for await (const part of request) {
    text += String(part);
    if (text.length > BODY_LIMIT_BYTES) return null;
  }
  try {
    const { ResetType } = JSON.parse(text) as { ResetType?: string };
    return RESET_TYPES.find((type) => type === ResetType) ?? null;
  } catch {
    return null;
  }
}

function send(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { "content-type": "application/json", "odata-version": "4.0" }).end(JSON.stringify(value));
}

const problem = (code: string, message: string) => ({ error: { code, message } });

const root = (server: string) => ({
  "@odata.id": "/redfish/v1/",
  Id: "RootService",
  Name: `${server} BMC (emulated)`,
  RedfishVersion: "1.17.0",
  Systems: { "@odata.id": "/redfish/v1/Systems" },
});

const system = (server: string, state: string, failure: string | null) => ({
  "@odata.id": SYSTEM,
  "@odata.type": "#ComputerSystem.v1_20_0.ComputerSystem",
  Id: "1",
  Name: "System",
  HostName: server,
  SystemType: "Physical",
  PowerState: state,
  // A reset that the supply did not carry out.
  Status: { Health: failure === null ? "OK" : "Critical", State: state === "On" ? "Enabled" : "Disabled" },
  ...(failure === null ? {} : { Oem: { Emulator: { lastError: failure } } }),
  Actions: { "#ComputerSystem.Reset": { target: RESET, "ResetType@Redfish.AllowableValues": [...RESET_TYPES] } },
});
