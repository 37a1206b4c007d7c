import { Agent, buildConnector } from "undici";
import { z } from "zod";
import { TandemError } from "../../errors.ts";
import { request } from "../../http-request.ts";

export interface BmcAccess {
  /** Base URL of the Redfish service. */
  url: string;
  user: string;
  password: string;
  /** PEM of the BMC's own certificate, or of the authority that signed it. */
  ca?: string;
  /** SHA-256 of its certificate, as `openssl x509 -fingerprint -sha256` prints it. */
  fingerprint?: string;
}

export type ResetType = "On" | "ForceOff" | "ForceRestart";

/** The power switch of one server. */
export interface Bmc {
  /** `other`: on its way between on and off. */
  power(): Promise<"on" | "off" | "other">;
  /** Asks for it; a BMC says yes at once and does it later, so the power has to be read until it says so. */
  reset(type: ResetType): Promise<void>;
  close(): Promise<void>;
}

/** BMCs are slow computers: answers within a second are good ones. */
const ANSWER_WITHIN_MS = 5_000;
const Collection = z.looseObject({ Members: z.array(z.looseObject({ "@odata.id": z.string() })).min(1) });
const System = z.looseObject({
  PowerState: z.string().nullable(),
  Actions: z.looseObject({ "#ComputerSystem.Reset": z.looseObject({ target: z.string() }).optional() }).optional(),
});

/**
 * A Redfish service (DSP0266) with basic authentication. Its certificate is checked before the password leaves this process:
 * against the authority or the fingerprint that is given, else against the public authorities.
 *
 * @throws TandemError `E_BMC` from its methods, never with the password
 */
export function redfish(access: BmcAccess): Bmc {
  const dispatcher = new Agent({ connect: connectorFor(access), connections: 2 });
  const authorization = `Basic ${Buffer.from(`${access.user}:${access.password}`).toString("base64")}`;
  let system: string | undefined;
  /** Where an order goes; learned with each look at the power, so that nothing comes between whoever may order and the order. */
  let target: string | undefined;

  const call = async (method: "GET" | "POST", path: string, body?: object): Promise<unknown> => {
    try {
      const response = await request(new URL(path, access.url), {
        method,
        dispatcher,
        headers: { authorization, accept: "application/json", ...(body ? { "content-type": "application/json" } : {}) },
        ...(body ? { body: JSON.stringify(body) } : {}),
        signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
      });
      const text = await response.body.text();
      if (response.statusCode >= 400) throw new Error(`${method} ${path}: ${response.statusCode} ${said(text)}`);
      return text === "" ? {} : JSON.parse(text);
    } catch (error) {
      throw refused(access.url, error as Error);
    }
  };
  const find = async (): Promise<string> => {
    system ??= Collection.parse(await call("GET", "/redfish/v1/Systems")).Members[0]?.["@odata.id"] ?? "";
    return system;
  };
  const look = async () => {
    const path = await find();
    const { PowerState, Actions } = System.parse(await call("GET", path));
    target = Actions?.["#ComputerSystem.Reset"]?.target ?? `${path}/Actions/ComputerSystem.Reset`;
    return PowerState;
  };
  return {
    async power() {
      const state = await look();
      return state === "On" ? "on" : state === "Off" ? "off" : "other";
    },
    async reset(type) {
      if (target === undefined) await look();
      await call("POST", target as string, { ResetType: type });
    },
    close: () => dispatcher.destroy(),
  };
}

function connectorFor({ ca, fingerprint }: BmcAccess): buildConnector.connector {
  // A resumed session shows no certificate, and each connection is to be checked.
  const tls = { timeout: ANSWER_WITHIN_MS, maxCachedSessions: 0, ...(ca === undefined ? {} : { ca }) };
  // A connector of one's own does not see what the request says of HTTP/2 (`src/http-request.ts`).
  const options = { ...tls, allowH2: false };
  // A BMC's certificate names its factory, not its address; what is pinned needs no name.
  const pinned = fingerprint === undefined ? {} : { rejectUnauthorized: false };
  const connect = buildConnector({ ...options, ...pinned, ...(ca ? { checkServerIdentity: () => undefined } : {}) });
  if (fingerprint === undefined) return connect;
  return (target, callback) =>
    connect(target, (error, socket) => {
      if (error !== null || socket === null) return callback(error ?? new Error("no connection"), null);
      const found = "getPeerCertificate" in socket ? socket.getPeerCertificate().fingerprint256 : undefined;
      if (found !== undefined && plain(found) === plain(fingerprint)) return callback(null, socket);
      socket.destroy();
      callback(
        new Error(`its certificate has the fingerprint ${found ?? "of none"}, which is not the pinned one`),
        null,
      );
    });
}

const plain = (fingerprint: string): string => fingerprint.replaceAll(/[^0-9a-fA-F]/g, "").toLowerCase();

function said(text: string): string {
  try {
    const { error } = JSON.parse(text) as { error?: { message?: string } };
    return error?.message?.slice(0, 200) ?? "";
  } catch {
    return "";
  }
}

function refused(url: string, { message }: Error): TandemError {
  return new TandemError({
    code: "E_BMC",
    what: `the BMC at ${url} did not do as asked`,
    why: message,
    fix: "see docs/reconciler.md, section BMC: address, user, password and certificate",
  });
}
