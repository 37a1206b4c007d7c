import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { setTimeout } from "node:timers/promises";
import { z } from "zod";
import { RoleSchema } from "./role-schema.ts";
import type { MemoryRoles } from "./roles.ts";

/** The kernel spreads connections over both listeners by their ports: one chance in a million that a successor is not met. */
const TRIES = 20;
const ANSWER_WITHIN_MS = 1000;
/** How long the successor may keep the question open for news, and how soon it is asked again where it does not answer. */
const NEWS_WITHIN_MS = 2000;
const HealthSchema = z.looseObject({ instance: z.string() });
const StatusSchema = z.looseObject({ version: z.int(), role: RoleSchema });

/**
 * Whether a replica that was started beside this one serves the same ports of this server by now.
 *
 * @param adminUrl the admin port that both listen on
 * @param self this replica's instance, as its own `/healthz` names it
 */
export async function hasSuccessor(adminUrl: string, self: string): Promise<boolean> {
  for (let tries = 0; tries < TRIES; tries++) {
    const answer = await read(new URL("/healthz", adminUrl), {}, AbortSignal.timeout(ANSWER_WITHIN_MS)).catch(
      () => null,
    );
    const health = HealthSchema.safeParse(answer);
    if (health.success && health.data.instance !== self) return true;
  }
  return false;
}

/** Keeps on learning the role, which from now on is told to the successor alone, until the signal is given. */
export async function followSuccessor(
  adminUrl: string,
  adminToken: string,
  roles: MemoryRoles,
  signal: AbortSignal,
): Promise<void> {
  let version = 0;
  while (!signal.aborted) {
    const asked = new URL(`/status?after=${version}&wait=${NEWS_WITHIN_MS}`, adminUrl);
    try {
      const within = AbortSignal.any([signal, AbortSignal.timeout(NEWS_WITHIN_MS + ANSWER_WITHIN_MS)]);
      const status = StatusSchema.parse(await read(asked, { authorization: `Bearer ${adminToken}` }, within));
      version = status.version;
      roles.set(status.role);
    } catch {
      // It may be replaced in its turn; whoever comes next is asked.
      await setTimeout(NEWS_WITHIN_MS, undefined, { signal, ref: false }).catch(() => {});
    }
  }
}

/** The JSON of one answer over a connection of its own: a kept one would ask the same replica for ever. */
async function read(url: URL, headers: Record<string, string>, signal: AbortSignal): Promise<unknown> {
  const request = get(url, { agent: false, headers, signal });
  // What comes after the answer began is an error of the answer.
  request.on("error", () => {});
  const [response] = (await once(request, "response", { signal })) as [IncomingMessage];
  let text = "";
  response.setEncoding("utf8");
  for await (const part of response) text += String(part);
  return JSON.parse(text);
}
