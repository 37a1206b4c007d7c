import { createHash, randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { TandemError } from "../../errors.ts";
import type { GatewayConfigInput } from "../../gateway/config.ts";
import { entryPath } from "../../machines/entry-path.ts";
import { warmsStandby } from "../../plan/warm-standby.ts";
import { monotonicMs } from "../clock.ts";
import type { Front, Move } from "../front.ts";
import { modelOf } from "../model-of.ts";
import { Child } from "./child.ts";
import type { World } from "./world.ts";

const GATEWAY = entryPath(new URL("../../gateway/main.ts", import.meta.url));
const READY_TIMEOUT_MS = 10_000;
const READY_POLL_MS = 50;

/** The real gateway as a process, with what it told about its moves. */
export class GatewayProcess implements Front {
  readonly apiKey = randomBytes(16).toString("hex");
  readonly moves: Move[] = [];
  onMove: (move: Move) => void = () => {};
  baseUrl = "";
  readonly #child: Child;
  readonly #adminToken = randomBytes(16).toString("hex");
  #adminUrl = "";
  #active: string;

  constructor(world: World, active: string) {
    this.#active = active;
    const config = join(world.folder, `gateway-${this.apiKey.slice(0, 8)}.json`);
    writeFileSync(config, JSON.stringify(configOf(world, active, this.apiKey)));
    this.#child = new Child({
      name: "gateway",
      script: GATEWAY,
      args: [config],
      env: { TANDEM_AGENT_TOKEN: world.agentToken, TANDEM_ADMIN_TOKEN: this.#adminToken },
      onLine: (line) => this.#hear(line),
    });
  }

  get child(): Child {
    return this.#child;
  }

  /** Its operators' port; known once it is ready. */
  get admin(): { url: string; token: string } {
    return { url: this.#adminUrl, token: this.#adminToken };
  }

  active(): string {
    return this.#active;
  }

  /** Resolves when the gateway hears every agent and has nothing against any group: a failover would work now, or again. */
  async ready(): Promise<void> {
    // Said once, and no longer among its last words after some failovers.
    if (this.#adminUrl === "") await this.#child.printed("gateway serves");
    const headers = { authorization: `Bearer ${this.#adminToken}` };
    const deadline = monotonicMs() + READY_TIMEOUT_MS;
    for (;;) {
      const status = (await (await fetch(`${this.#adminUrl}/status`, { headers })).json()) as {
        active: string | null;
        groups: Record<string, { state: string; reason: string }>;
      };
      const against = Object.entries(status.groups).filter(([, { state }]) => state !== "clear");
      if (status.active === this.#active && against.length === 0) return;
      if (monotonicMs() > deadline) {
        const reasons = against.map(([id, { reason }]) => `group ${id}: ${reason}`);
        throw new TandemError({
          code: "E_REHEARSAL_NOT_READY",
          what: "a failover would not work yet",
          why: reasons.join("; ") || "the gateway sends requests to another group than it was told",
          fix: "run it again when this machine has less to do",
        });
      }
      await new Promise((resolve) => setTimeout(resolve, READY_POLL_MS));
    }
  }

  async stop(): Promise<void> {
    await this.#child.kill();
  }

  #hear(line: string): void {
    let entry: Record<string, unknown>;
    try {
      entry = JSON.parse(line) as Record<string, unknown>;
    } catch {
      return;
    }
    if (entry.msg === "gateway serves") {
      this.baseUrl = `${entry.url}/v1`;
      this.#adminUrl = String(entry.admin);
    } else if (entry.msg === "failover") {
      // The log has the time of the wall; both clocks are of this machine.
      const move = {
        atMs: Number(entry.time) - Date.now() + monotonicMs(),
        to: String(entry.to),
        reason: String(entry.reason),
      };
      this.#active = move.to;
      this.moves.push(move);
      this.onMove(move);
    }
  }
}

function configOf(world: World, active: string, apiKey: string): GatewayConfigInput {
  const { plan, servers, groups } = world;
  const { args } = plan.launch.leader;
  const at = args.indexOf("--reasoning-parser");
  const local = (port: number) => `http://127.0.0.1:${port}`;
  return {
    listen: { host: "127.0.0.1", port: 0 },
    admin: { port: 0 },
    model: {
      name: plan.model.servedName,
      parser: (at < 0 ? null : args[at + 1]) as GatewayConfigInput["model"]["parser"],
      templateOpensThink: !modelOf(plan).opensThink,
      contextLength: plan.model.contextLength,
      attentionDp: plan.layout.dataParallel,
    },
    servers: Object.fromEntries(servers.map(({ name, place }) => [name, { agent: local(place.reachedAt.agent) }])),
    groups: Object.fromEntries(
      groups.map((group) => [
        group.id,
        {
          servers: group.servers.map(({ name }) => name),
          urls: group.servers.map(({ place }) => local(place.reachedAt.http)),
        },
      ]),
    ),
    warmStandby: warmsStandby(plan),
    ...world.gatewayConfig,
    active,
    keys: [{ name: "rehearsal", sha256: createHash("sha256").update(apiKey).digest("hex") }],
  };
}
