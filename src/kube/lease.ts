import type { KubeClient } from "./client.ts";
import { isConflict, isNotFound } from "./errors.ts";
import type { LiveObject } from "./objects.ts";

export interface LeaseOptions {
  client: KubeClient;
  /** Of the leases of a namespace. */
  path: string;
  name: string;
  namespace: string;
  /** Of this process; another one for each start. */
  identity: string;
  /** Others may take it when it was not renewed for so long, by their own clocks. */
  durationMs: number;
  renewEveryMs: number;
  /** This process gives itself so much less, for clocks that run at another speed and for a pause between look and write. */
  marginMs: number;
  onChange(): void;
  onProblem(error: unknown): void;
}

interface Spec {
  holderIdentity?: string;
  renewTime?: string;
  leaseTransitions?: number;
  leaseDurationSeconds?: number;
}

/**
 * A Lease of coordination.k8s.io, as client-go's leader election uses it: no wall clock of two computers is ever compared, only
 * how long this process itself has seen no renewal. It names who should act; that nobody else can is up to the resource
 * versions of the writes.
 */
export class Lease {
  /** How often the holder has changed: a term of office. */
  term = 0;
  holder: string | null = null;
  /** The last proof that the API server answers. */
  renewedMs = Number.NEGATIVE_INFINITY;
  /** When it answered last, also to a replica that only looks on; of the request. */
  answeredMs = Number.NEGATIVE_INFINITY;
  readonly #options: LeaseOptions;
  #seen: { version: string; atMs: number } | null = null;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  #held = false;
  /** As this process wrote it last: who holds it renews it without a read, until somebody else has written. */
  #mine: LiveObject | null = null;

  constructor(options: LeaseOptions) {
    this.#options = options;
    void this.#turn();
  }

  holds(atMs: number): boolean {
    const { identity, durationMs, marginMs } = this.#options;
    return this.holder === identity && atMs - this.renewedMs < durationMs - marginMs;
  }

  /** Gives it back, so that the next one need not wait. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    if (!this.holds(performance.now())) return;
    this.holder = null;
    try {
      const found = await this.#read();
      if (specOf(found).holderIdentity === this.#options.identity) await this.#write(found, { holderIdentity: "" });
    } catch (error) {
      this.#options.onProblem(error);
    }
  }

  async #turn(): Promise<void> {
    const { renewEveryMs, onChange, onProblem } = this.#options;
    try {
      await this.#renew();
    } catch (error) {
      if (!isConflict(error)) onProblem(error);
    }
    const held = this.holds(performance.now());
    if (held !== this.#held) onChange();
    this.#held = held;
    if (!this.#stopped) this.#timer = setTimeout(() => void this.#turn(), renewEveryMs);
  }

  async #renew(): Promise<void> {
    const { identity, durationMs } = this.#options;
    const startMs = performance.now();
    if (await this.#renewMine(startMs)) return;
    const found = await this.#read().catch((error) => {
      if (isNotFound(error)) return null;
      throw error;
    });
    this.answeredMs = startMs;
    if (found === null) return this.#took(await this.#create(), startMs);
    const { holderIdentity = "", leaseTransitions = 0 } = specOf(found);
    if (holderIdentity === identity) return this.#took(await this.#write(found, {}), startMs);
    this.holder = holderIdentity;
    const version = found.metadata.resourceVersion ?? "";
    if (this.#seen?.version !== version) this.#seen = { version, atMs: startMs };
    if (holderIdentity !== "" && startMs - this.#seen.atMs < durationMs) return;
    if (this.#stopped) return;
    this.#took(await this.#write(found, { leaseTransitions: leaseTransitions + 1 }), startMs);
  }

  /** One request instead of two. False where it must be read: another has written it, or it is gone, or it never was ours. */
  async #renewMine(startMs: number): Promise<boolean> {
    const mine = this.#mine;
    if (mine === null) return false;
    try {
      this.#took(await this.#write(mine, {}), startMs);
      this.answeredMs = startMs;
      return true;
    } catch (error) {
      if (!isConflict(error) && !isNotFound(error)) throw error;
      this.#mine = null;
      return false;
    }
  }

  /** Counted from before the request: others may have seen it written at once. */
  #took(written: LiveObject, startMs: number): void {
    const { holderIdentity = "", leaseTransitions = 0 } = specOf(written);
    this.holder = holderIdentity;
    this.term = leaseTransitions;
    this.renewedMs = startMs;
    this.#mine = written;
  }

  #read(): Promise<LiveObject> {
    const { client, path, name, renewEveryMs } = this.#options;
    return client.json<LiveObject>({ method: "GET", path: `${path}/${name}`, timeoutMs: 2 * renewEveryMs });
  }

  #create(): Promise<LiveObject> {
    const { client, path, name, namespace, renewEveryMs } = this.#options;
    return client.json<LiveObject>({
      method: "POST",
      path,
      body: {
        apiVersion: "coordination.k8s.io/v1",
        kind: "Lease",
        metadata: { name, namespace },
        spec: this.#spec({ leaseTransitions: 0 }),
      },
      timeoutMs: 2 * renewEveryMs,
    });
  }

  #write(found: LiveObject, change: Spec): Promise<LiveObject> {
    const { client, path, name, renewEveryMs } = this.#options;
    const body = { ...found, spec: { ...specOf(found), ...this.#spec(change) } };
    return client.json<LiveObject>({ method: "PUT", path: `${path}/${name}`, body, timeoutMs: 2 * renewEveryMs });
  }

  #spec(change: Spec): Spec & { acquireTime?: string } {
    const { identity, durationMs } = this.#options;
    // Micro-seconds are what the API asks for.
    const renewTime = new Date().toISOString().replace("Z", "000Z");
    const acquireTime = change.leaseTransitions === undefined ? {} : { acquireTime: renewTime };
    const leaseDurationSeconds = Math.ceil(durationMs / 1_000);
    return { holderIdentity: identity, leaseDurationSeconds, renewTime, ...acquireTime, ...change };
  }
}

const specOf = ({ spec }: LiveObject): Spec => (spec ?? {}) as Spec;
