import { request } from "undici";
import { z } from "zod";
import type { GatewayReport } from "../failover/observed.ts";

const Status = z.looseObject({
  active: z.string().nullable(),
  epoch: z.int(),
  reason: z.string().default(""),
  role: z.looseObject({ active: z.string(), epoch: z.int() }),
  groups: z.record(
    z.string(),
    z.looseObject({ servers: z.array(z.string()).default([]), requests: z.number().default(0) }),
  ),
});

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
  heardMs: number;
}

export interface Role {
  active: string;
  epoch: number;
  reason: string;
  members: Readonly<Record<string, readonly string[]>>;
}

const EVERY_MS = 500;
const ANSWER_WITHIN_MS = 1_000;
/** An answer that is older is no word about the present. */
const FORGET_AFTER_MS = 3_000;
const TELL_AGAIN_MS = 1_000;

/** Asks every gateway replica what it does, at intervals, and tells it the reconciler's word. */
export class Gateways {
  readonly heard = new Map<string, GatewayHeard>();
  readonly #token: () => string;
  readonly #onChange: () => void;
  readonly #told = new Map<string, { epoch: number; atMs: number }>();
  #timer: NodeJS.Timeout | undefined;
  #urls: readonly string[] = [];

  constructor(token: () => string, onChange: () => void) {
    this.#token = token;
    this.#onChange = onChange;
  }

  follow(urls: readonly string[]): void {
    this.#urls = urls;
    for (const url of this.heard.keys()) if (!urls.includes(url)) this.heard.delete(url);
    this.#timer ??= setInterval(() => void this.poll(), EVERY_MS);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Those that are heard now. */
  present(atMs: number): GatewayHeard[] {
    return [...this.heard.values()].filter(({ heardMs }) => atMs - heardMs < FORGET_AFTER_MS);
  }

  /** Those that have an older word, or other members, and were not told this a moment ago. */
  behind({ epoch, members }: Pick<Role, "epoch" | "members">, atMs: number): GatewayHeard[] {
    return this.present(atMs).filter(({ url, role, members: known }) => {
      const told = this.#told.get(url);
      const sinceMs = told?.epoch === epoch ? atMs - told.atMs : Number.POSITIVE_INFINITY;
      if (role.epoch < epoch) return sinceMs >= TELL_AGAIN_MS;
      // Servers that its configuration does not name it cannot take in.
      return role.epoch === epoch && sinceMs >= 10 * TELL_AGAIN_MS && !sameMembers(members, known);
    });
  }

  reports(atMs: number): GatewayReport[] {
    return this.present(atMs).flatMap(({ url, active, sinceMs, epoch }) =>
      active === null ? [] : [{ replica: new URL(url).hostname, group: active, sinceMs, epoch }],
    );
  }

  async poll(): Promise<void> {
    await Promise.all(this.#urls.map((url) => this.#ask(url)));
  }

  /** Tells one replica; false when it does not take it (it knows a newer word, or is away). */
  async tell(url: string, role: Role): Promise<boolean> {
    this.#told.set(url, { epoch: role.epoch, atMs: performance.now() });
    try {
      const status = await this.#put(url, role);
      if (status !== 400) return status === 200;
      // One of an older release knows no members; it still takes the word.
      const { members: _, ...plain } = role;
      return (await this.#put(url, plain)) === 200;
    } catch {
      return false;
    }
  }

  async #put(url: string, role: object): Promise<number> {
    const { statusCode, body } = await request(new URL("/role", url), {
      method: "PUT",
      headers: { authorization: `Bearer ${this.#token()}`, "content-type": "application/json" },
      body: JSON.stringify(role),
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
    const text = await body.text();
    if (statusCode === 200) this.#keep(url, JSON.parse(text));
    return statusCode;
  }

  async #ask(url: string): Promise<void> {
    try {
      const { statusCode, body } = await request(new URL("/status", url), {
        headers: { authorization: `Bearer ${this.#token()}` },
        signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
      });
      const text = await body.text();
      if (statusCode === 200) this.#keep(url, JSON.parse(text));
    } catch {
      // One that is away is simply not heard; the other replica tells.
    }
  }

  #keep(url: string, raw: unknown): void {
    const status = Status.safeParse(raw);
    if (!status.success) return;
    const { active, epoch, role, groups } = status.data;
    const before = this.heard.get(url);
    const heardMs = performance.now();
    const same = before !== undefined && before.active === active;
    const members = Object.fromEntries(Object.entries(groups).map(([id, { servers }]) => [id, servers]));
    const requests = Object.fromEntries(Object.entries(groups).map(([id, group]) => [id, group.requests]));
    const sinceMs = same ? before.sinceMs : heardMs;
    this.heard.set(url, { url, active, sinceMs, epoch, role, members, requests, heardMs });
    if (!same || before.epoch !== epoch || before.role.epoch !== role.epoch) this.#onChange();
  }
}

function sameMembers(a: Role["members"], b: Role["members"]): boolean {
  return Object.entries(a).every(
    ([id, servers]) => [...servers].sort().join(" ") === [...(b[id] ?? [])].sort().join(" "),
  );
}
