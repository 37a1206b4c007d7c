import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { tandemHome } from "../../../src/machines/home.ts";
import type { RehearsalSession } from "../../support/rehearsal-session.ts";

/** What an order may take; a stopped engine answers none. */
const ASK_MS = 2_000;

/**
 * Keeps what gateway and engines say of a run that did not begin, or went wrong: it is rare, and half a minute later the
 * gateway remembers only its moves. Returns the path of the file, whose name begins with `what`.
 */
export async function keepWhy({ world, gateway }: RehearsalSession, what: "not-begun" | "amiss"): Promise<string> {
  const ask = async (path: string): Promise<unknown> => {
    if (gateway === null) return null;
    const headers = { authorization: `Bearer ${gateway.admin.token}` };
    const answer = await fetch(gateway.admin.url + path, { headers, signal: AbortSignal.timeout(ASK_MS) });
    return answer.json();
  };
  const orFailure = <T>(work: Promise<T>): Promise<T | string> =>
    Promise.race([
      work.catch((error: Error) => error.message),
      new Promise<string>((resolve) => setTimeout(() => resolve("no answer"), ASK_MS).unref()),
    ]);
  const servers = world.servers.map(async (server) => [
    server.name,
    {
      engine: await orFailure(server.order({ status: true })),
      said: server.engine?.output.split("\n").slice(-40),
      agentLives: server.agent?.alive,
    },
  ]);
  const [status, decisions, all] = await Promise.all([
    orFailure(ask("/status")),
    orFailure(ask("/decisions")),
    Promise.all(servers),
  ]);
  const path = join(tandemHome(), "bench", `${what}-${Date.now()}.json`);
  writeFileSync(path, JSON.stringify({ status, decisions, servers: Object.fromEntries(all) }, null, 1));
  return path;
}
