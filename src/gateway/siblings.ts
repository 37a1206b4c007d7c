import { z } from "zod";
import type { GatewayConfig } from "./config.ts";
import { RoleSchema } from "./role-schema.ts";
import type { Role } from "./roles.ts";

const ANSWER_WITHIN_MS = 500;
const StatusSchema = z.looseObject({ role: RoleSchema });

/**
 * The role with the highest epoch that this configuration, this replica's run before and the siblings know; of two with one
 * epoch, the one that was told who the members are. A sibling may be away: a gateway starts alone as well, and learns a newer
 * word when it is told one.
 */
export async function highestRole(
  config: GatewayConfig,
  adminToken: string,
  remembered: Role | null = null,
): Promise<Role> {
  const own: Role = { active: config.active, epoch: config.epoch, reason: "the configuration" };
  const heard = await Promise.all(config.siblings.map((url) => ask(url, adminToken)));
  return [remembered, ...heard]
    .filter((role) => role !== null && config.groups[role.active] !== undefined)
    .reduce<Role>((best, role) => (role !== null && knowsMore(role, best) ? role : best), own);
}

function knowsMore(role: Role, than: Role): boolean {
  if (role.epoch !== than.epoch) return role.epoch > than.epoch;
  return role.members !== undefined && than.members === undefined;
}

async function ask(url: string, token: string): Promise<Role | null> {
  try {
    const headers = { authorization: `Bearer ${token}` };
    const response = await fetch(new URL("/status", url), { headers, signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
    return StatusSchema.parse(await response.json()).role;
  } catch {
    return null;
  }
}
