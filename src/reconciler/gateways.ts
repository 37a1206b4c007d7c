import { setTimeout as delay } from "node:timers/promises";
import type { GatewayReport } from "../failover/observed.ts";
import { nearby, request } from "../http-request.ts";
import { GatewayStatus } from "./gateway-status.ts";

/** What one replica said last. */
export interface GatewayHeard {
  url: string;
  /** The group it sends new requests to; null while it holds them. */
  active: string | null;
  sinceMs: number;
  /** Of its last action, and of the last word that it took. */
  epoch: number;
  role: { active: string; epoch: number };
  members: Readonly<Record<string, readonly string[]>>;
  /** Requests in each group's hands. */
  requests: Readonly<Record<string, number>>;
  /** All that it said, for people. */
  said: GatewayStatus;
  heardMs: number;
}

export interface Role {
  active: string;
  epoch: number;
  reason: string;
  /** Why it moved last; whoever still waits in a group that was given up is carried on. */
  why?: string;
  members: Readonly<Record<string, readonly string[]>>;
  /** Where each server of the stack is heard, and where its engine answers. */
  servers?: Readonly<Record<string, { agent: string; engine: string }>>;
}

const EVERY_MS = 500;
/** While it has no request in its hands there are no counts, and only news to be told. */
const QUIET_EVERY_MS = 1_000;
/** For who decides nothing: a move is heard at once all the same, and counts are for people. */
const LOOK_ON_EVERY_MS = 1_500;
/** Streams that go on one after the other are one piece of news. */
const AFTER_NEWS_MS = 20;
const ANSWER_WITHIN_MS = 1_000;
/** An answer that is older is no word about the present. */
const FORGET_AFTER_MS = 3_000;
const TELL_AGAIN_MS = 1_000;

/**
 * Follows what every gateway replica does, and tells it the reconciler's word. Each is asked to answer when something is new, at
 * the latest after half a second (a second while it has no request): a move is heard when it happens, counts are never older than
 * that. Who only looks on asks less often.
 */
export class Gateways {
  readonly heard = new Map<string, GatewayHeard>();
  readonly #token: () => string;
  readonly #onChange: () => void;
  readonly #onHeard: (heard: GatewayHeard) => void;
  readonly #told = new Map<string, { epoch: number; atMs: number }>();
  readonly #follows = new Map<string, AbortController>();
  #everyMs = EVERY_MS;

  /** @param onHeard after every answer, whether or not it says something new */
  constructor(token: () => string, onChange: () => void, onHeard: (heard: GatewayHeard) => void = () => {}) {
    this.#token = token;
    this.#onChange = onChange;
    this.#onHeard = onHeard;
  }

  follow(urls: readonly string[]): void {
    for (const [url, end] of this.#follows)
      if (!urls.includes(url)) {
        end.abort();
        this.#follows.delete(url);
        this.heard.delete(url);
      }
    for (const url of urls) {
      if (!this.#follows.has(url)) this.#begin(url);
    }
  }

  /** Whether its answers are decided on, or watched by people. Who begins to decide asks all of them anew, at once. */
  pace(isClose: boolean): void {
    const before = this.#everyMs;
    this.#everyMs = isClose ? EVERY_MS : LOOK_ON_EVERY_MS;
    if (this.#everyMs >= before) return;
    for (const [url, end] of [...this.#follows]) {
      end.abort();
      this.#begin(url);
    }
  }

  close(): void {
    this.follow([]);
  }

  /** Those that are heard now. */
  present(atMs: number): GatewayHeard[] {
    return [...this.heard.values()].filter(({ heardMs }) => atMs - heardMs < FORGET_AFTER_MS);
  }

  /** Those that have an older word, or other members or servers, and were not told this a moment ago. */
  behind({ epoch, members, servers = {} }: Omit<Role, "active" | "reason">, atMs: number): GatewayHeard[] {
    return this.present(atMs).filter(({ url, role, members: known, said }) => {
      const told = this.#told.get(url);
      const sinceMs = told?.epoch === epoch ? atMs - told.atMs : Number.POSITIVE_INFINITY;
      if (role.epoch < epoch) return sinceMs >= TELL_AGAIN_MS;
      if (role.epoch !== epoch || sinceMs < patienceOf(said)) return false;
      return !sameMembers(members, known) || hearsOthers(said, servers);
    });
  }

  reports(atMs: number): GatewayReport[] {
    return this.present(atMs).flatMap(({ url, active, sinceMs, epoch }) =>
      active === null ? [] : [{ replica: new URL(url).hostname, group: active, sinceMs, epoch }],
    );
  }

  /** Tells one replica; false when it does not take it (it knows a newer word, or is away). */
  async tell(url: string, role: Role): Promise<boolean> {
    this.#told.set(url, { epoch: role.epoch, atMs: performance.now() });
    try {
      // One of an older release knows no servers, no reason for a move, or no members; it still takes the word.
      const { servers: _, ...explained } = role;
      const { why: __, ...named } = explained;
      const { members: ___, ...plain } = named;
      for (const words of [role, explained, named, plain]) {
        const status = await this.#put(url, words);
        if (status !== 400) return status === 200;
      }
      return false;
    } catch {
      return false;
    }
  }

  async #put(url: string, role: object): Promise<number> {
    const { statusCode, body } = await request(new URL("/role", url), {
      dispatcher: nearby,
      method: "PUT",
      headers: { authorization: `Bearer ${this.#token()}`, "content-type": "application/json" },
      body: JSON.stringify(role),
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
    const text = await body.text();
    if (statusCode === 200) this.#keep(url, JSON.parse(text));
    return statusCode;
  }

  #begin(url: string): void {
    const end = new AbortController();
    this.#follows.set(url, end);
    void this.#follow(url, end.signal);
  }

  async #follow(url: string, signal: AbortSignal): Promise<void> {
    let version: number | undefined;
    while (!signal.aborted) {
      const askedMs = performance.now();
      const before = version;
      version = await this.#ask(url, version, signal);
      // One that waits for news has waited; one that told something new may have more. Everybody else is asked as often as it would answer.
      const isNews = version !== undefined && version !== before;
      const restMs = isNews ? AFTER_NEWS_MS : this.#everyMsOf(url) - (performance.now() - askedMs);
      if (restMs > 0) await delay(restMs, undefined, { signal }).catch(() => {});
    }
  }

  #everyMsOf(url: string): number {
    const counts = Object.values(this.heard.get(url)?.requests ?? {});
    const isQuiet = counts.length > 0 && counts.every((count) => count === 0);
    return isQuiet ? Math.max(QUIET_EVERY_MS, this.#everyMs) : this.#everyMs;
  }

  /** The version of what it said; undefined where it is away, or knows none. */
  async #ask(url: string, version: number | undefined, signal: AbortSignal): Promise<number | undefined> {
    const waitMs = this.#everyMsOf(url);
    const query = version === undefined ? "" : `?after=${version}&wait=${waitMs}`;
    try {
      const { statusCode, body } = await request(new URL(`/status${query}`, url), {
        dispatcher: nearby,
        headers: { authorization: `Bearer ${this.#token()}` },
        signal: AbortSignal.any([signal, AbortSignal.timeout(waitMs + ANSWER_WITHIN_MS)]),
      });
      const text = await body.text();
      return statusCode === 200 && !signal.aborted ? this.#keep(url, JSON.parse(text)) : undefined;
    } catch {
      // One that is away is simply not heard; the other replica tells.
      return undefined;
    }
  }

  #keep(url: string, raw: unknown): number | undefined {
    const status = GatewayStatus.safeParse(raw);
    if (!status.success) return undefined;
    const { active, epoch, role, groups, version, choice } = status.data;
    const before = this.heard.get(url);
    const heardMs = performance.now();
    const same = before !== undefined && before.active === active;
    const members = Object.fromEntries(Object.entries(groups).map(([id, { servers }]) => [id, servers]));
    const requests = Object.fromEntries(Object.entries(groups).map(([id, group]) => [id, group.requests]));
    const sinceMs = same ? before.sinceMs : heardMs;
    const heard = { url, active, sinceMs, epoch, role, members, requests, said: status.data, heardMs };
    this.heard.set(url, heard);
    this.#onHeard(heard);
    const isNew = !same || before.epoch !== epoch || before.role.epoch !== role.epoch || before.said.choice !== choice;
    if (isNew) this.#onChange();
    return version;
  }
}

/** One of an older release cannot take in servers that its configuration does not name. */
function patienceOf({ servers }: GatewayHeard["said"]): number {
  const isOld = Object.values(servers).every(({ agent }) => agent === undefined);
  return isOld ? 10 * TELL_AGAIN_MS : TELL_AGAIN_MS;
}

/** Somebody whom it should not hear, or not somebody whom it should; an older release does not say where it listens. */
function hearsOthers({ servers: known }: GatewayHeard["said"], servers: NonNullable<Role["servers"]>): boolean {
  const heard = Object.entries(known).filter(([, { agent }]) => agent !== undefined);
  if (heard.length === 0 || Object.keys(servers).length === 0) return false;
  if (heard.some(([name]) => servers[name] === undefined)) return true;
  return Object.entries(servers).some(([name, { agent }]) => known[name]?.agent !== agent);
}

function sameMembers(a: Role["members"], b: Role["members"]): boolean {
  return Object.entries(a).every(
    ([id, servers]) => [...servers].sort().join(" ") === [...(b[id] ?? [])].sort().join(" "),
  );
}
