import type { Engine } from "../../machines/local/engine.ts";
import { addressOf } from "../../manifests/gateway-config.ts";
import type { ModelService } from "../../manifests/model-service/resource.ts";
import { AGENT_PORT } from "../../plan/service-ports.ts";
import type { ServingPlan } from "../../plan/serving-plan.ts";
import type { FaultClass } from "../../report/rehearsal.ts";
import type { Injected, SeenRequest } from "../arena.ts";
import { addressHolder } from "../cluster/address-holder.ts";
import type { ServiceAt } from "../cluster/bad-release.ts";
import { ClusterArena } from "../cluster/cluster-arena.ts";
import { ClusterFront } from "../cluster/cluster-front.ts";
import { type AdminEndpoint, type GatewayStatus, gatewayStatus } from "../cluster/gateway-status.ts";
import { type RepairOf, RepairWatch } from "../cluster/repair-watch.ts";
import { causeOnCluster } from "./cluster-causes.ts";
import type { AgentAddress, Caused, DrillArena, Entry, GatewayDecisions, Readiness } from "./drill-arena.ts";
import { gatewayAdmin } from "./gateway-admin.ts";
import { readinessOf } from "./readiness.ts";
import type { Cause } from "./scenario.ts";

export interface ClusterDrillOptions {
  plan: ServingPlan;
  engine: Engine;
  /** Of the address that moves. */
  baseUrl: string;
  apiKey: string;
  agentToken: string;
  adminToken: string;
  /** Operators' ports: through the address that moves, and of each replica by its server. */
  admin: { holder: string; replicas: Record<string, string> };
  /** What else speaks against a drill: the reconciler's word, a pause. */
  against(): Promise<string[]>;
  /** The ModelService at its API server. */
  service: ServiceAt;
  /** Asks the reconciler as an operator would, and resolves when it has carried that out. */
  order(kind: "switchover" | "return", target: string): Promise<void>;
  /** The ModelService now, and whenever it changes. */
  follow(signal: AbortSignal): AsyncIterable<ModelService>;
  versions: Record<string, string>;
}

/** A local cluster as a place for drills. */
export class ClusterDrillArena implements DrillArena {
  readonly kind = "cluster";
  readonly plan: ServingPlan;
  readonly front: ClusterFront;
  readonly #arena: ClusterArena;
  readonly #options: ClusterDrillOptions;

  constructor(options: ClusterDrillOptions) {
    const { plan, engine, baseUrl, apiKey } = options;
    this.plan = plan;
    this.#options = options;
    this.#arena = new ClusterArena(plan, engine);
    this.front = new ClusterFront({ baseUrl, apiKey, admin: this.#holder, arena: this.#arena });
  }

  get #holder(): AdminEndpoint {
    return { url: this.#options.admin.holder, token: this.#options.adminToken };
  }

  get groups() {
    return this.#arena.groups;
  }

  set onRequest(listener: (request: SeenRequest) => void) {
    this.#arena.onRequest = listener;
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
    const { engine, baseUrl, plan } = this.#options;
    return addressHolder(engine, plan.name, plan.spec.gateway?.on ?? [], new URL(baseUrl).hostname);
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
    return gatewayAdmin<GatewayDecisions>(this.#holder, `/decisions?since=${Math.floor(sinceWallMs)}`);
  }

  async versions(): Promise<Record<string, string>> {
    return this.#options.versions;
  }

  inject(fault: FaultClass, victim: string, random: () => number): Promise<Injected> {
    return this.#arena.inject(fault, victim, random);
  }

  cause(cause: Cause, victim: string, random: () => number): Promise<Caused> {
    const { plan, engine, order, service } = this.#options;
    return causeOnCluster(cause, { plan, engine, arena: this.#arena, victim, random, order, service });
  }

  followRepair(of: RepairOf): RepairWatch {
    return new RepairWatch(this.#options.follow, of);
  }

  async close(): Promise<void> {
    await this.front.stop();
  }
}
