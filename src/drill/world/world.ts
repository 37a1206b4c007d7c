import { randomBytes } from "node:crypto";
import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { GatewayConfigInput } from "../../gateway/config.ts";
import type { ServingPlan } from "../../plan/serving-plan.ts";
import type { FaultClass } from "../../report/rehearsal.ts";
import type { Arena, Injected, SeenRequest } from "../arena.ts";
import { startAgent } from "./agent-process.ts";
import type { Child } from "./child.ts";
import { EmulatedServer } from "./emulated-server.ts";
import { GatewayProcess } from "./gateway-process.ts";
import { inject } from "./inject.ts";
import { Network } from "./network.ts";
import { freePorts } from "./ports.ts";

export interface WorldGroup {
  id: string;
  servers: EmulatedServer[];
  /** Base URL of rank 0's engine, over its cable. */
  url: string;
}

export interface WorldOptions {
  plan: ServingPlan;
  /** Settings of the engines, e.g. EMULATOR_LOAD_SECONDS. */
  engineEnv?: Record<string, string>;
  /** Settings of the agents beside their own: what a drill takes away to see that it is missed. */
  agentEnv?: Record<string, string>;
  /** Likewise of the gateways. */
  gatewayConfig?: Partial<GatewayConfigInput>;
  /** Nobody gets a connection to an engine whose cable is cut, as on a network; else it is taken and never answered. */
  dark?: boolean;
}

/** Time to load: long enough to be a phase of its own, short enough to wait for. */
const ENGINE_ENV = { EMULATOR_LOAD_SECONDS: "0.3" };

/** The groups of a plan as processes of this machine, joined by cables that can be cut. No root, nothing outside a temporary folder. */
export class World implements Arena {
  readonly plan: ServingPlan;
  readonly groups: readonly WorldGroup[];
  readonly network: Network;
  readonly folder: string;
  /** Opens the streams of all agents. */
  readonly agentToken = randomBytes(24).toString("hex");
  readonly agentEnv: Record<string, string>;
  readonly gatewayConfig: Partial<GatewayConfigInput>;
  readonly #gateways: GatewayProcess[] = [];
  #closed: Promise<void> | null = null;

  private constructor(
    { plan, agentEnv = {}, gatewayConfig = {} }: WorldOptions,
    folder: string,
    network: Network,
    groups: readonly WorldGroup[],
  ) {
    this.plan = plan;
    this.agentEnv = agentEnv;
    this.gatewayConfig = gatewayConfig;
    this.folder = folder;
    this.network = network;
    this.groups = groups;
  }

  /** Lays the cables and writes the files of all servers; nothing of theirs runs yet. */
  static async create(options: WorldOptions): Promise<World> {
    const { plan, engineEnv = {}, dark = false } = options;
    const folder = mkdtempSync(join(tmpdir(), "tandem-rehearsal-"));
    const network = new Network(folder);
    try {
      const env = { ...plan.env, ...ENGINE_ENV, ...engineEnv };
      const groups = await Promise.all(
        Object.values(plan.groups).map((group) => layGroup({ plan, folder, network, env, dark }, group)),
      );
      return new World(options, folder, network, groups);
    } catch (error) {
      await network.close();
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  set onRequest(listener: (request: SeenRequest) => void) {
    this.network.onRequest = listener;
  }

  inject(fault: FaultClass, victim: string, random: () => number): Promise<Injected> {
    return inject(fault, this, this.server(victim), random);
  }

  get servers(): EmulatedServer[] {
    return this.groups.flatMap(({ servers }) => servers);
  }

  server(name: string): EmulatedServer {
    const found = this.servers.find((server) => server.name === name);
    if (found === undefined) throw new Error(`no server ${name}: want one of ${this.servers.map((s) => s.name)}`);
    return found;
  }

  /** Starts the agents and engines of a group, as far as they do not run, and waits until it serves. */
  async startGroup(group: WorldGroup): Promise<void> {
    await Promise.all(
      group.servers.map(async (server) => {
        if (!server.agent?.alive) await this.kept(startAgent(server, this.agentToken, this.agentEnv));
        await this.kept(server.startEngine());
      }),
    );
    await Promise.all(group.servers.flatMap((server) => [server.engineReady(), server.agent?.printed("listening")]));
  }

  /** Ends the agent of a server and starts it again, as a kubelet does with a container. */
  async restartAgent(server: EmulatedServer, signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    server.agent?.signal(signal);
    await server.agent?.exited;
    await (await this.kept(startAgent(server, this.agentToken, this.agentEnv))).printed("listening");
  }

  /** After a fault: ends what is left of the group's engines, mends its cables and starts it again, as a repair crew would. */
  async repairGroup(group: WorldGroup): Promise<void> {
    await Promise.all(
      group.servers.map(async (server) => {
        const wasOff = server.agent?.alive !== true;
        server.agent?.signal("SIGCONT");
        await server.engine?.kill();
        await this.network.mend(server.name, { reset: wasOff });
      }),
    );
    await this.startGroup(group);
  }

  /** Starts a gateway that sends new requests to `active`, and waits until it has nothing against any group. */
  async startGateway(active: string): Promise<GatewayProcess> {
    const gateway = new GatewayProcess(this, active);
    this.#gateways.push(gateway);
    await this.kept(gateway.child);
    await gateway.ready();
    return gateway;
  }

  /** Notes a process, so that nothing can leave it behind. */
  async kept(child: Child): Promise<Child> {
    await this.network.keep(child.pid);
    void child.exited.then(() => this.network.forgetEnded().catch(() => {}));
    return child;
  }

  /** Ends every process and removes every file. Safe to call twice, and at any moment. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await Promise.all([...this.servers.map((server) => server.kill()), ...this.#gateways.map((one) => one.stop())]);
    await this.network.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}

interface Ground {
  plan: ServingPlan;
  folder: string;
  network: Network;
  env: Record<string, string>;
  dark: boolean;
}

async function layGroup(
  { plan, folder, network, env, dark }: Ground,
  group: { id: string; servers: string[] },
): Promise<WorldGroup> {
  const [distPort = 0, ...ports] = await freePorts(1 + 2 * group.servers.length);
  const [leader = ""] = group.servers;
  const distReachedAt = await network.open(leader, distPort, { patient: true });
  const servers = await Promise.all(
    group.servers.map(async (name, nodeRank) => {
      const own = { http: ports[2 * nodeRank] as number, agent: ports[2 * nodeRank + 1] as number };
      const place = {
        name,
        group: group.id,
        nodeRank,
        folder: join(folder, name),
        ports: own,
        // A worker's way to the leader crosses both cables: its own and the leader's.
        distPort: nodeRank === 0 ? distPort : await network.open(name, distReachedAt),
        reachedAt: {
          http: await network.open(name, own.http, { watch: true, dark }),
          agent: await network.open(name, own.agent, { link: "management" }),
        },
      };
      const launch = nodeRank === 0 ? plan.launch.leader : plan.launch.worker;
      return new EmulatedServer(place, { args: launch.args, env });
    }),
  );
  return { id: group.id, servers, url: `http://127.0.0.1:${servers[0]?.place.reachedAt.http}` };
}
