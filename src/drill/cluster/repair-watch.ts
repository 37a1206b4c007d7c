import type { ModelService } from "../../manifests/model-service/resource.ts";
import { monotonicMs } from "../clock.ts";

/** What the reconciler had done about a fault, and when this process heard of it, on the monotonic clock. */
export interface RepairSeen {
  isolatedAtMs: number | null;
  fencedAtMs: number | null;
}

/** The group that a fault hit, and the server, as far as one server was hit. */
export interface RepairOf {
  group: string;
  server: string | null;
}

/** Follows the ModelService of a stack, to see when the reconciler isolates a broken group and proves its server harmless. */
export class RepairWatch {
  readonly seen: RepairSeen = { isolatedAtMs: null, fencedAtMs: null };
  readonly #of: RepairOf;
  readonly #end = new AbortController();
  readonly #isolated = Promise.withResolvers<void>();

  constructor(follow: (signal: AbortSignal) => AsyncIterable<ModelService>, of: RepairOf) {
    this.#of = of;
    // Whoever cannot be followed shows nothing: the phases say then that it did not happen.
    void this.#follow(follow(this.#end.signal)).catch(() => {});
  }

  /** Resolves when the broken group is isolated, at the latest after `withinMs`. */
  async isolated(withinMs: number, signal?: AbortSignal): Promise<void> {
    const limit = AbortSignal.any([AbortSignal.timeout(withinMs), ...(signal ? [signal] : [])]);
    await Promise.race([
      this.#isolated.promise,
      new Promise<void>((resolve) => limit.addEventListener("abort", () => resolve(), { once: true })),
    ]);
    signal?.throwIfAborted();
  }

  stop(): void {
    this.#end.abort();
  }

  async #follow(services: AsyncIterable<ModelService>): Promise<void> {
    for await (const service of services) {
      const atMs = monotonicMs();
      const { isolated, fenced } = repairState(service, this.#of);
      if (isolated) this.seen.isolatedAtMs ??= atMs;
      if (this.seen.isolatedAtMs !== null && fenced(this.seen.isolatedAtMs !== atMs)) this.seen.fencedAtMs ??= atMs;
      if (isolated) this.#isolated.resolve();
    }
  }
}

/**
 * Isolated: traffic has left the group, and its pods are taken away. Fenced: the reconciler calls the server harmless, or puts
 * the group together anew, which it does after that alone. Pure.
 *
 * @returns `fenced` is asked with whether the group has been seen isolated before
 */
export function repairState(
  { status }: ModelService,
  { group, server }: RepairOf,
): { isolated: boolean; fenced: (wasIsolated: boolean) => boolean } {
  const broken = status?.groups?.find(({ id }) => id === group);
  const hit = status?.servers?.find(({ name }) => name === server);
  const isolated = status?.active !== group && broken?.run === "stopped";
  return {
    isolated,
    fenced: (wasIsolated) => hit?.fence?.fenced === true || (wasIsolated && broken?.run !== "stopped"),
  };
}
