import { addressOf } from "../../manifests/gateway-config.ts";
import type { ModelService } from "../../manifests/model-service/resource.ts";
import { AGENT_PORT } from "../../plan/service-ports.ts";
import type { ServingPlan } from "../../plan/serving-plan.ts";
import type { FaultClass } from "../../report/rehearsal.ts";
import type { Injected, SeenRequest } from "../arena.ts";
import { groupsOf } from "../cluster/cluster-arena.ts";
import { ClusterFront } from "../cluster/cluster-front.ts";
import { type AdminEndpoint, type GatewayStatus, gatewayStatus } from "../cluster/gateway-status.ts";
import { type RepairOf, RepairWatch } from "../cluster/repair-watch.ts";
import type { Site } from "../cluster/site.ts";
import type { AgentAddress, Caused, DrillArena, Entry, GatewayDecisions, Readiness } from "./drill-arena.ts";
import { gatewayAdmin } from "./gateway-admin.ts";
import { readinessOf } from "./readiness.ts";
import type { Cause } from "./scenario.ts";

export interface ClusterDrillOptions {
  plan: ServingPlan;
  site: Site;
  /** Of the address that moves. */
  baseUrl: string;
  apiKey: string;
  agentToken: string;
  adminToken: string;
  /** Operators' ports: through the address that moves, and of each replica by its server. */
  admin: { holder: string; replicas: Record<string, string> };
  /** What else speaks against a drill: the reconciler's word, a pause. */
  against(): Promise<string[]>;
  /** The ModelService now, and whenever it changes. */
  follow(signal: AbortSignal): AsyncIterable<ModelService>;
  versions: Record<string, string>;
}

/** A cluster as a place for drills. */
export class ClusterDrillArena implements DrillArena {
  readonly kind = "cluster";
  readonly plan: ServingPlan;
  readonly front: ClusterFront;
  readonly groups: DrillArena["groups"];
  onRequest: (request: SeenRequest) => void = () => {};
  readonly #options: ClusterDrillOptions;

  constructor(options: ClusterDrillOptions) {
    const { plan, baseUrl, apiKey } = options;
    this.plan = plan;
    this.#options = options;
    this.groups = groupsOf(plan);
    this.front = new ClusterFront({ baseUrl, apiKey, admin: this.#holder, arena: this });
  }

  get #holder(): AdminEndpoint {
    return { url: this.#options.admin.holder, token: this.#options.adminToken };
  }

  get patienceMs(): number {
    return this.#options.site.patienceMs;
  }

  get replicas(): Entry[] {
    const { baseUrl, apiKey, plan } = this.#options;
    return (plan.spec.gateway?.on ?? []).map((name) => {
      const url = new URL(baseUrl);
      url.hostname = addressOf(plan, name);
      return { name, baseUrl: url.href.replace(/\/$/, ""), apiKey };
    });
  }

  get agents(): AgentAddress[] {
    const { plan, agentToken } = this.#options;
    return this.groups
      .flatMap(({ servers }) => servers)
      .map(({ name }) => ({ server: name, url: `http://${addressOf(plan, name)}:${AGENT_PORT}`, token: agentToken }));
  }

  entryServer(): Promise<string | null> {
    const { site, baseUrl, plan } = this.#options;
    return site.addressHolder(plan.spec.gateway?.on ?? [], new URL(baseUrl).hostname);
  }

  /** Waits for the gateway to be sound once, so that moves are watched from then on. */
  async watch(timeoutMs: number, signal?: AbortSignal): Promise<void> {
    await this.front.ready({ timeoutMs, ...(signal ? { signal } : {}) });
  }

  async readiness(): Promise<Readiness> {
    const { admin, adminToken, against } = this.#options;
    const asked = await Promise.all(
      Object.entries(admin.replicas).map(([name, url]) =>
        gatewayStatus({ url, token: adminToken }).catch(() => `the gateway on ${name} does not answer`),
      ),
    );
    const seen = readinessOf(asked.filter((one): one is GatewayStatus => typeof one !== "string"));
    const away = asked.filter((one): one is string => typeof one === "string");
    return { ...seen, against: [...away, ...seen.against, ...(await against())] };
  }

  async decisions(sinceWallMs: number): Promise<GatewayDecisions> {
    const { aheadMs } = this.front.clock;
    const path = `/decisions?since=${Math.floor(sinceWallMs + aheadMs)}`;
    const { decisions, ...rest } = await gatewayAdmin<GatewayDecisions>(this.#holder, path);
    // Told by this computer's clock, as everything else in a record is.
    return { ...rest, decisions: decisions.map((one) => ({ ...one, wallMs: Math.round(one.wallMs - aheadMs) })) };
  }

  async versions(): Promise<Record<string, string>> {
    return this.#options.versions;
  }

  obstacle(cause: Cause, victim: string): string | null {
    return this.#options.site.obstacle(cause, victim);
  }

  inject(fault: FaultClass, victim: string, random: () => number): Promise<Injected> {
    return this.cause(fault, victim, random);
  }

  cause(cause: Cause, victim: string, random: () => number): Promise<Caused> {
    return this.#options.site.cause(cause, victim, random);
  }

  followRepair(of: RepairOf): RepairWatch {
    return new RepairWatch(this.#options.follow, of);
  }

  async close(): Promise<void> {
    await this.front.stop();
  }
}
