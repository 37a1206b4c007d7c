import { z } from "zod";
import { nearby, request } from "../../http-request.ts";
import { LastFailover } from "../../stream/last-failover.ts";

/** What a replica of the gateway knows of a failover that it made. */
export interface GatewayFacts {
  timing: unknown;
  decisions: readonly { wallMs: number; changed: boolean; view: unknown; choice: unknown }[];
  /** Null: it has moved nothing. */
  last: LastFailover | null;
}

const TIMEOUT_MS = 3_000;
const Status = z.looseObject({
  lastFailover: LastFailover.nullable().default(null),
});
const Decisions = z.looseObject({
  timing: z.unknown(),
  decisions: z.array(
    z.looseObject({ wallMs: z.number(), changed: z.boolean(), view: z.unknown(), choice: z.unknown() }),
  ),
});

/** Asks every replica; of those that answer the one that made the move knows most. Null where none answers. */
export async function gatewayFacts(
  urls: readonly string[],
  token: string,
  sinceWallMs: number,
): Promise<GatewayFacts | null> {
  const asked = await Promise.all(urls.map((url) => askOne(url, token, sinceWallMs).catch(() => null)));
  const answers = asked.filter((one) => one !== null);
  const carried = (one: GatewayFacts) =>
    Date.parse(one.last?.at ?? "") >= sinceWallMs ? (one.last?.carried ?? 0) : -1;
  return answers.toSorted((a, b) => carried(b) - carried(a))[0] ?? null;
}

async function askOne(url: string, token: string, sinceWallMs: number): Promise<GatewayFacts> {
  const get = async (path: string): Promise<unknown> => {
    const { statusCode, body } = await request(new URL(path, url), {
      dispatcher: nearby,
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const text = await body.text();
    if (statusCode !== 200) throw new Error(`${url}${path} answered ${statusCode}`);
    return JSON.parse(text);
  };
  const [status, decisions] = await Promise.all([get("/status"), get(`/decisions?since=${Math.floor(sinceWallMs)}`)]);
  const { lastFailover } = Status.parse(status);
  return { ...Decisions.parse(decisions), last: lastFailover };
}
