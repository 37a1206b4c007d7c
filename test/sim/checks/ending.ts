import { POLICY } from "../actors/policy.ts";
import { FAULTS_END_MS, type Injector } from "../faults/inject.ts";
import type { Stack } from "../stack.ts";
import { hasRepeatedXid, hasXidAgain } from "./known.ts";

/** Every seed runs at least so long. */
const LEAST_MS = 60_000;
/** How long things must rest to count as the end. */
const CALM_MS = 6_000;
/** What was before is no part of any end. */
const FIRST_LOOK_MS = 50_000;
/** A call for a person must stand so long with nothing else going on: longer than every limit of the policy, and a look after it. */
const STUCK_MS = 75_000;
/** A group that crashes and loads in turn is waited for in between. */
const LATELY_MS = 30_000;
/** Two boots, two loads and all deadlines of one rebuild, twice. */
const LIMIT_MS = FAULTS_END_MS + 600_000;
const EVERY_MS = 1_000;

export type Ending = "serves" | "needs a person" | "never";

/** Liveness: when faults have stopped, either everything serves again or the decision tells a person what to do, and is right. */
export class Watchman {
  readonly #stack: Stack;
  readonly #injector: Injector;
  ending: Ending | null = null;
  #wellSinceMs: number | null = null;
  #escalatedMs = Number.NEGATIVE_INFINITY;
  /** The last action of a reconciler. */
  actedMs = 0;

  constructor(stack: Stack, injector: Injector) {
    this.#stack = stack;
    this.#injector = injector;
  }

  begin(inMs = FIRST_LOOK_MS): void {
    this.#stack.world.kernel.after(inMs, () => {
      this.#look();
      if (this.ending === null) this.begin(EVERY_MS);
    });
  }

  #look(): void {
    const { world } = this.#stack;
    const { now } = world;
    const trouble = this.trouble();
    this.#wellSinceMs = trouble === null ? (this.#wellSinceMs ?? now) : null;
    const decision = this.#leader?.decision ?? null;
    if (decision?.kind === "escalate") this.#escalatedMs = now;
    const { open, lastMs } = this.#injector;
    if (now < LEAST_MS || open > 0) return;
    if (this.#wellSinceMs !== null && now - Math.max(this.#wellSinceMs, lastMs) >= CALM_MS) this.#end("serves");
    else if (now - this.#escalatedMs < LATELY_MS && now - Math.max(this.actedMs, lastMs) >= STUCK_MS)
      this.#endWithPerson();
    else if (now > Math.max(LIMIT_MS, lastMs + 600_000)) {
      world.breach("never-ends", `${trouble}; decision: ${decision?.kind} (${decision?.reason}) ${decision?.detail}`);
      this.#end("never");
    }
  }

  get #leader() {
    return this.#stack.reconcilers.find(({ leads, runs }) => leads && runs);
  }

  #end(ending: Ending): void {
    this.ending = ending;
  }

  /** What is not as it should be; null when all is well. */
  trouble(): string | null {
    const { world, gateways } = this.#stack;
    const { service, groups, nodes } = world.api.state;
    for (const id of world.groups.keys()) {
      if (!world.serves(id)) return `group ${id} does not serve`;
      if (groups[id]?.ready !== true) return `group ${id} is not called ready`;
      if (groups[id]?.revision !== service.wantedRevision) return `group ${id} has an old revision`;
    }
    for (const [name, { quarantine }] of Object.entries(service.servers))
      if (quarantine !== null) return `${name} is in quarantine`;
    for (const [name, { outOfService }] of Object.entries(nodes)) if (outOfService) return `${name} is out of service`;
    for (const { name, current, choice } of gateways)
      if (current !== service.active || choice?.kind !== "use")
        return `${name} uses ${current}, the word is ${service.active}`;
    const decision = this.#leader?.decision;
    if (decision === undefined || decision === null) return "nobody leads";
    return decision.kind === "hold" ? null : `${decision.kind} (${decision.reason})`;
  }

  #endWithPerson(): void {
    const { world } = this.#stack;
    const decision = this.#leader?.decision;
    const excuse = this.#excuse();
    if (excuse === null)
      world.breach(
        "needless-hands",
        `${this.trouble()}; asks a person (${decision?.reason}) ${decision?.detail}, and nothing needs hands`,
      );
    this.#end("needs a person");
  }

  /** Of a group that does not serve. */
  #hasBrokenMachine(): boolean {
    const { world } = this.#stack;
    return [...world.servers.values()].some(({ name, needs, power, frozen, net, ib }) => {
      const id = world.api.state.nodes[name]?.group ?? null;
      return id !== null && !world.serves(id) && (needs !== null || !power || frozen || !net || !ib);
    });
  }

  #hasRepeatedXid(): boolean {
    const { world } = this.#stack;
    const isMember = (name: string) => (world.api.state.nodes[name]?.group ?? null) !== null;
    return [...world.servers.values()].some((server) => isMember(server.name) && hasRepeatedXid(world, server));
  }

  /** What a person, and only a person, must do or decide here; null if nothing. */
  #excuse(): string | null {
    const { world } = this.#stack;
    const { service, nodes } = world.api.state;
    if (service.paused) return "paused";
    if (world.badRevisions.has(service.wantedRevision)) return "a revision that crashes";
    if (world.isPoisoned) return "poison";
    // A brake may keep a machine waiting while another group serves, and nothing else.
    const isServed = [...world.groups.keys()].some((id) => world.serves(id));
    const isBraked = this.#leader?.decision?.reason === "too-many-failovers" && isServed;
    const isHardware = this.#hasBrokenMachine() || this.#hasRepeatedXid();
    if (isBraked && service.failoversMs.length > POLICY.maxPerHour && isHardware) return "the brake";
    for (const server of world.servers.values()) {
      const { name, needs, bmc, power, frozen, net, ib, isHidden } = server;
      const isMember = (nodes[name]?.group ?? null) !== null || service.servers[name]?.quarantine;
      if (!isMember) continue;
      if (service.servers[name]?.quarantine?.remedy === "failover-support") return `a person must call ${name} mended`;
      if (needs === "failover-support") return `${name} is broken`;
      if (nodes[name]?.cordoned) return `${name} is cordoned`;
      if (!ib) return `a cable of ${name}`;
      if (!net) return `the network of ${name}`;
      if (bmc !== "works" && (!power || frozen)) return `${name} cannot be started from afar`;
      if (bmc !== "works" && needs === "failover-reboot") return `${name} cannot be looked at whole`;
      const record = service.servers[name];
      if ((record?.failedChecks ?? 0) > 0 && record?.treated?.remedy === "failover-reboot")
        return `${name} failed its checks`;
      if (record?.treated?.remedy === "failover-reboot" && (needs !== null || hasXidAgain(server)))
        return `${name} broke again after its reboot`;
      if (isHidden && bmc !== "works") return `${name} hides a fault`;
    }
    return null;
  }
}
