import type { Subscription } from "../../stream/subscription.ts";
import type { GatewayConfig } from "../config.ts";
import type { Role } from "../roles.ts";
import type { EvidenceIntake } from "./evidence-intake.ts";

/** Where one agent is heard. */
export interface AgentAt {
  agent: string;
  /** PEM; a plain connection without it. */
  ca?: string | undefined;
}

export interface ListenersHooks {
  intake(server: string): EvidenceIntake;
  subscribe(intake: EvidenceIntake, at: AgentAt): Subscription;
}

/** One subscription for each server of the stack. Servers come and go while the gateway runs. */
export class Listeners {
  /** In place: whoever holds the list sees who has come. */
  readonly intakes: EvidenceIntake[] = [];
  readonly #open = new Map<string, { at: AgentAt; subscription: Subscription }>();
  readonly #hooks: ListenersHooks;

  constructor(hooks: ListenersHooks) {
    this.#hooks = hooks;
  }

  /** Hears these and nobody else. One that has another address is a stranger: what was heard of it is forgotten. */
  follow(servers: Readonly<Record<string, AgentAt>>): void {
    for (const [server, { at, subscription }] of this.#open) {
      const wanted = servers[server];
      if (wanted !== undefined && wanted.agent === at.agent && wanted.ca === at.ca) continue;
      subscription.close();
      this.#open.delete(server);
      this.intakes.splice(
        this.intakes.findIndex((intake) => intake.server === server),
        1,
      );
    }
    for (const [server, at] of Object.entries(servers)) {
      if (this.#open.has(server)) continue;
      const intake = this.#hooks.intake(server);
      this.intakes.push(intake);
      this.#open.set(server, { at, subscription: this.#hooks.subscribe(intake, at) });
    }
  }

  /** Where a server is heard; the empty text for one that is not. */
  agentOf(server: string): string {
    return this.#open.get(server)?.at.agent ?? "";
  }

  close(): void {
    this.follow({});
  }
}

/** As last told, else as configured. */
export function agentsOf({ servers }: Role, config: Pick<GatewayConfig, "servers">): Record<string, AgentAt> {
  const told = Object.entries(servers ?? config.servers);
  return Object.fromEntries(told.map(([name, { agent }]) => [name, { agent, ca: config.servers[name]?.ca }]));
}
