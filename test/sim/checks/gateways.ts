import type { Choice } from "../../../src/failover/choose.ts";
import type { SimGateway } from "../actors/gateway.ts";
import type { World } from "../world/world.ts";
import { KNOWN_AFTER_MS } from "./known.ts";

/** A stall (5 s), a canary's period and its answer. */
const MOVE_WITHIN_MS = 9_000;
/** A group that was left for nothing must show for up to a minute that it is well. */
const DWELL_MS = 70_000;
const EVERY_MS = 1_000;

/** What gateways choose, held against what is true for them: a group that their own link does not reach is broken for them. */
export class GatewayChecks {
  readonly #world: World;
  readonly #gateways: () => readonly SimGateway[];
  readonly #epochs = new Map<string, number>();
  readonly #left = new Set<string>();

  constructor(world: World, gateways: () => readonly SimGateway[]) {
    this.#world = world;
    this.#gateways = gateways;
  }

  begin(): void {
    this.#world.kernel.after(EVERY_MS, () => {
      for (const gateway of this.#gateways()) this.#look(gateway);
      this.begin();
    });
  }

  choice(gateway: SimGateway, choice: Choice, before: string): void {
    const world = this.#world;
    if (choice.reason.length < 5) world.breach("no-reason", `${gateway.name}: ${choice.kind}`);
    const wasWell = this.#isKnownWell(gateway, before);
    if (choice.kind !== "use") {
      const well = [...world.groups.keys()].find((id) => this.#isKnownWell(gateway, id));
      if (well !== undefined) world.breach("needless-hold", `${gateway.name} ${choice.kind}s, and ${well} answers it`);
      return;
    }
    const key = `${gateway.name} ${gateway.startedMs}`;
    const epoch = this.#epochs.get(key) ?? gateway.startEpoch;
    if (choice.adoptEpoch !== null && choice.adoptEpoch <= epoch)
      world.breach("epoch", `${gateway.name} went back from epoch ${epoch} to ${choice.adoptEpoch}`);
    this.#epochs.set(key, Math.max(epoch, choice.adoptEpoch ?? 0));
    if (choice.group === before) return;
    if (choice.adoptEpoch === null) {
      const target = gateway.trafficOf(choice.group);
      const knownMs = Math.max(target?.answeredUntilMs ?? 0, gateway.wokeMs, gateway.startedMs);
      const isDead = target?.answersSinceMs === null && world.now - knownMs > KNOWN_AFTER_MS;
      if (isDead) world.breach("gateway-moved-to-dead", `${gateway.name} took ${choice.group}, which answers nothing`);
      this.#left.add(`${gateway.name} ${before}`);
      if (wasWell)
        world.breach("gateway-needless-move", `${gateway.name} left ${before}, which answers: ${choice.reason}`);
    }
  }

  /** One that stood still knows what it knew before, until it has asked: what became well meanwhile is not known yet. */
  #isKnownWell(gateway: SimGateway, id: string): boolean {
    const { now } = this.#world;
    const wellMs = this.#wellFor(gateway, id);
    const awakeMs = now - gateway.wokeMs;
    const wellBeforeMs = wellMs - (now - gateway.frozeMs);
    return Math.min(wellMs, Math.max(awakeMs, wellBeforeMs)) >= KNOWN_AFTER_MS;
  }

  #wellFor(gateway: SimGateway, id: string): number {
    const since = gateway.trafficOf(id)?.answersSinceMs ?? null;
    const isHit = this.#world
      .group(id)
      .members.some((name) => this.#world.now - this.#world.server(name).faultMs < KNOWN_AFTER_MS);
    if (isHit) return -1;
    return since === null ? -1 : this.#world.now - since;
  }

  /** Requests of a gateway must not stay with a dead group while another answers. */
  #look(gateway: SimGateway): void {
    const world = this.#world;
    const { now } = world;
    if (!gateway.runs || now - gateway.wokeMs < MOVE_WITHIN_MS || now - gateway.startedMs < MOVE_WITHIN_MS) return;
    const { current } = gateway;
    const mine = gateway.trafficOf(current);
    if (mine === undefined || mine.answersSinceMs !== null) return;
    for (const id of world.groups.keys()) {
      if (id === current) continue;
      const patienceMs = this.#left.has(`${gateway.name} ${id}`) ? DWELL_MS : MOVE_WITHIN_MS;
      if (now - mine.answeredUntilMs < patienceMs || now - gateway.sinceMs < patienceMs) continue;
      if (this.#wellFor(gateway, id) >= patienceMs) {
        world.breach("stuck-traffic", `${gateway.name} stays with ${current}, which is dead; ${id} answers`);
        gateway.sinceMs = now;
      }
    }
  }
}
