import { z } from "zod";
import { nearby, request } from "../../http-request.ts";
import { LastFailover } from "../../stream/last-failover.ts";

/** The part of a gateway's status that a drill and `tandem status` look at (`GatewayStatus` of src/gateway). */
const Status = z.looseObject({
  wallMs: z.number().optional(),
  active: z.string().nullable(),
  standby: z.string().nullable(),
  epoch: z.int(),
  choice: z.enum(["use", "hold", "shed"]),
  reason: z.string(),
  model: z.string(),
  groups: z.record(
    z.string(),
    z.looseObject({
      state: z.string(),
      reason: z.string(),
      servers: z.array(z.string()),
      url: z.string(),
      requests: z.number(),
    }),
  ),
  lastFailover: LastFailover.nullable(),
});
export type GatewayStatus = z.infer<typeof Status>;

export interface AdminEndpoint {
  /** `http://10.0.0.100:9478` */
  url: string;
  token: string;
}

/** Asks one replica; throws when it does not answer within `timeoutMs`. */
export async function gatewayStatus({ url, token }: AdminEndpoint, timeoutMs = 2_000): Promise<GatewayStatus> {
  const { statusCode, body } = await request(`${url}/status`, {
    dispatcher: nearby,
    headers: { authorization: `Bearer ${token}` },
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    signal: AbortSignal.timeout(timeoutMs),
  });
  const text = await body.text();
  if (statusCode !== 200) throw new Error(`${url} answered ${statusCode}: ${text.slice(0, 200)}`);
  return Status.parse(JSON.parse(text));
}
