import { nearby, request } from "../../http-request.ts";
import type { AdminEndpoint } from "../cluster/gateway-status.ts";

const TIMEOUT_MS = 5_000;

/** Asks the operators' port of a gateway, or tells it something; throws with its answer when it refuses. */
export async function gatewayAdmin<T>({ url, token }: AdminEndpoint, path: string, body?: object): Promise<T> {
  const { statusCode, body: answer } = await request(`${url}${path}`, {
    dispatcher: nearby,
    method: body === undefined ? "GET" : "PUT",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    signal: AbortSignal.timeout(TIMEOUT_MS),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  if (statusCode !== 200) throw new Error(`${url}${path} answered ${statusCode}: ${text.slice(0, 200)}`);
  return JSON.parse(text) as T;
}
