import type { Logger } from "pino";
import type { Suspicion } from "../failover/choose/suspicion.ts";
import { type ChooseTiming, DEFAULT_TIMING, stallAfter } from "../failover/choose/timing.ts";
import type { Choice } from "../failover/choose.ts";
import { ApiKeys } from "../stream/api-keys.ts";
import type { Subscribe } from "../stream/subscription.ts";
import { Changes } from "./changes.ts";
import type { GatewayConfig, GatewaySecrets } from "./config.ts";
import { askCanary } from "./groups/canary.ts";
import type { RecordedChoice } from "./groups/decision-log.ts";
import { EvidenceIntake } from "./groups/evidence-intake.ts";
import { Group } from "./groups/group.ts";
import { agentsOf, Listeners } from "./groups/listeners.ts";
import { Membership } from "./groups/membership.ts";
import { Switcher } from "./groups/switcher.ts";
import type { Leaving } from "./leaving.ts";
import { GatewayMetrics } from "./metrics.ts";
import { rememberedRole } from "./remembered-role.ts";
import { MemoryRoles } from "./roles.ts";
import { highestRole } from "./siblings.ts";
import { FailoverRecord, type GatewayStatus, groupsOf, heardOf } from "./status.ts";
import { longestGap } from "./stream/longest-gap.ts";
import { Traffic } from "./traffic.ts";
import { idleStandby } from "./warm/standby.ts";
import { unreadTokens } from "./warm/unread.ts";
import { Warmer } from "./warm/warmer.ts";
import { WatchClock } from "./watch-clock.ts";

export interface GatewayParts {
  subscribe: Subscribe;
  log: Logger;
}

/** One replica: evidence in, choices made, requests carried. The HTTP servers are put around it by `serve.ts`. */
export class Gateway {
  readonly traffic: Traffic;
  readonly metrics: GatewayMetrics;
  readonly keys: ApiKeys;
  readonly roles: MemoryRoles;
  readonly changes = new Changes();
  leaving: Leaving = "no";
  readonly #clock = new WatchClock();
  readonly #config: GatewayConfig;
  readonly #timing: ChooseTiming;
  readonly #log: Logger;
  readonly #groups: Map<string, Group>;
  readonly #switcher: Switcher;
  readonly #warmer: Warmer;
  readonly #listeners: Listeners;
  readonly #servers: () => GatewayStatus["servers"];
  readonly #record = new FailoverRecord();

  /** Learns the highest epoch from the siblings and the run before, then begins. */
  static async start(config: GatewayConfig, secrets: GatewaySecrets, parts: GatewayParts): Promise<Gateway> {
    const { roleFile } = config;
    const remembered = roleFile === undefined ? null : await rememberedRole(roleFile, parts.log);
    const role = await highestRole(config, secrets.adminToken, remembered);
    return new Gateway(config, secrets, parts, new MemoryRoles(role));
  }

  private constructor(
    config: GatewayConfig,
    secrets: GatewaySecrets,
    { subscribe, log }: GatewayParts,
    roles: MemoryRoles,
  ) {
    this.#config = config;
    this.#log = log;
    this.roles = roles;
    this.keys = new ApiKeys(config.keys);
    const clock = this.#clock;
    const { connectTimeoutMs } = config.limits;
    const key = secrets.engineKey;
    this.#groups = new Map(
      Object.entries(config.groups).map(([id, { servers, urls }]) => [
        id,
        new Group({ id, servers, urls, key, connectTimeoutMs }, clock),
      ]),
    );
    const membership = new Membership(config, this.#groups);
    // Before anything else: what a sibling knows of the members, this gateway must not learn by asking the wrong servers.
    roles.watch(({ members = {}, servers }) => {
      if (servers !== undefined) membership.learn(servers);
      const { changed, unknown } = membership.assign(members);
      if (changed.length > 0) log.info({ members, changed }, "groups have other servers");
      if (unknown.length > 0) log.warn({ unknown }, "the word names servers whose address nobody has told");
    });
    const listeners = new Listeners({
      intake: (server) => new EvidenceIntake(server, () => membership.groupOf(server), clock, config.xids),
      subscribe: (intake, { agent, ca }) =>
        subscribe({
          server: intake.server,
          url: agent,
          token: secrets.agentToken,
          ...(ca === undefined ? {} : { ca }),
          onFrame: (frame) => {
            if (intake.frame(frame)) this.#switcher.evaluate();
          },
          onConnection: (state, reason) => {
            intake.connection(state);
            log.info({ server: intake.server, reason }, `agent stream ${state}`);
          },
        }),
    });
    const { intakes } = listeners;
    this.#listeners = listeners;
    listeners.follow(agentsOf(roles.role, config));
    this.#servers = () =>
      Object.fromEntries(
        intakes.map(({ view }) => [view.id, { ...heardOf(view, clock.now()), agent: listeners.agentOf(view.id) }]),
      );
    this.traffic = new Traffic(config.model, config.limits, this.#groups, clock, {
      onBreak: () => this.#switcher.evaluate(),
      onContinued: (rider, gapMs) => {
        this.metrics.continued.observe(gapMs / 1000);
        this.#record.continued(gapMs);
        this.changes.tell();
        log.debug({ request: rider.id, gapMs: Math.round(gapMs), legs: rider.legs }, "stream carried on");
      },
      onFirstToken: (waitedMs) => this.metrics.firstToken.observe(waitedMs / 1000),
      onRunning: () => void (config.warmStandby && this.#warmer.wake()),
      onOver: (_rider, outcome) => this.metrics.requests.inc({ outcome }),
      onPoison: ({ id, request }) =>
        log.warn({ request: id, fingerprint: request.fingerprint }, "suspected poison, refused for a while"),
    });
    this.#timing = {
      ...DEFAULT_TIMING,
      stallAfterMs: stallAfter(config.longestStepMs),
      holdDeadlineMs: config.holdDeadlineMs,
    };
    this.#switcher = new Switcher(roles.role, this.#groups, intakes, clock, this.#timing, {
      onChoice: (choice, before) => {
        this.#apply(choice, before);
        this.changes.tell();
      },
      onStranded: (suspicion) => this.#carryFrom(suspicion),
      pendingSinceMs: () => this.traffic.pendingSinceMs,
      ask: (group) => void askCanary(group, config.model.name, clock, () => this.#switcher.evaluate()),
    });
    const standby = () => idleStandby(this.#switcher, this.#groups);
    this.#warmer = new Warmer({
      riders: this.traffic.riders,
      current: () => this.#switcher.current,
      attentionDp: config.model.attentionDp,
      ...{ standby, clock },
      onOutcome: (outcome, { id, request: { fingerprint } }) => {
        this.metrics.cacheWarmings.inc({ outcome });
        if (outcome === "broke") log.warn({ request: id, fingerprint }, "the standby broke off while it read this");
      },
    });
    this.metrics = new GatewayMetrics(
      () => this.traffic,
      () => ({
        active: this.#switcher.choice?.kind === "use" ? this.#switcher.current : null,
        choice: this.#switcher.choice?.kind ?? "use",
        epoch: this.#switcher.adoptedEpoch,
        servers: intakes.map(({ view }) => ({ ...view, silentMs: clock.now() - view.lastHeardMs })),
        unreadTokens: unreadTokens(this.traffic.riders, standby()),
        heldUpMs: clock.heldUpMs,
        suspect: Object.fromEntries([...this.#groups.keys()].map((id) => [id, this.#suspicion(id) === "suspect"])),
      }),
    );
    this.#switcher.evaluate();
    roles.watch((role) => {
      listeners.follow(agentsOf(role, config));
      this.#switcher.word = role;
      this.#switcher.evaluate();
      this.changes.tell();
    });
  }

  current(): Group {
    return this.traffic.group(this.#switcher.current);
  }

  #suspicion(id: string): string | undefined {
    return this.#switcher.choice?.suspicions.find(({ group }) => group === id)?.state;
  }

  #apply(choice: Choice, before: { group: string; sinceMs: number }): void {
    const { kind, reason, suspicions } = choice;
    if (kind === "hold") {
      this.#log.warn({ reason, suspicions }, "no group is used: requests are held");
      return void this.traffic.hold();
    }
    if (kind === "shed") {
      this.#log.error({ reason, suspicions }, "no group answered in time: requests are refused");
      return void this.traffic.shed(reason, choice.retryAfterSeconds);
    }
    const carry = choice.running === "carry";
    if (choice.group !== before.group) {
      this.#warmer.stop();
      if (carry) {
        this.metrics.failovers.inc({ from: before.group, to: choice.group });
        this.#record.moved({ from: before.group, to: choice.group, reason });
        this.#groups.get(before.group)?.dropIdle();
      }
      const view = this.#switcher.view;
      const decidedAfterMs = Math.round(view.atMs - before.sinceMs);
      this.#log.warn(
        { from: before.group, to: choice.group, reason, decidedAfterMs, view },
        carry ? "failover" : "planned switch",
      );
    }
    this.traffic.use(choice.group, { carry, software: choice.software });
  }

  /** A group that was left on purpose has failed before it had written its last answers. */
  #carryFrom({ group, reason, software }: Suspicion): void {
    this.#log.warn({ group, reason }, "streams of a group that is not used any more are carried on");
    this.traffic.carryFrom(group, software);
    this.#groups.get(group)?.dropIdle();
  }

  /** Choices made since then with what they were made on, so that they can be made again elsewhere. */
  decisions(sinceWallMs: number): { timing: ChooseTiming; decisions: RecordedChoice[] } {
    return { timing: this.#timing, decisions: this.#switcher.decisions.since(sinceWallMs) };
  }

  get status(): GatewayStatus {
    const { choice, current, adoptedEpoch } = this.#switcher;
    const kind = choice?.kind ?? "use";
    const groups = groupsOf(this.#groups.values(), choice, this.#clock);
    return {
      version: this.changes.version,
      wallMs: Date.now(),
      active: kind === "use" ? current : null,
      standby: Object.keys(groups).find((id) => id !== current) ?? null,
      role: this.roles.role,
      epoch: adoptedEpoch,
      choice: kind,
      reason: choice?.reason ?? "",
      model: this.#config.model.name,
      groups,
      servers: this.#servers(),
      requests: this.traffic.riders.size,
      gapMs: longestGap(this.traffic.riders, this.traffic.now()),
      waiting: this.traffic.dispatcher.waiting,
      lastFailover: this.#record.last,
      draining: this.leaving !== "no",
    };
  }

  close(): void {
    this.#listeners.close();
    this.#switcher.close();
    this.#warmer.close();
    for (const group of this.#groups.values()) group.dropIdle();
  }
}
