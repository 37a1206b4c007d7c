import type { EngineSettings } from "./settings.ts";

/** Page of the emulated cache in tokens; SGLang's own is 1, which would cost a hash entry a token here. */
const PAGE_TOKENS = 16;

/** Remembers which prompt prefixes have KV: a map of prefix hashes in order of use, evicted from the oldest. */
export class PrefixCache {
  readonly #pages = new Map<string, true>();
  readonly #capacityPages: number;

  constructor(capacityTokens: number) {
    this.#capacityPages = Math.max(1, Math.floor(capacityTokens / PAGE_TOKENS));
  }

  /** Tokens of the longest cached prefix; a request always computes at least its last token. */
  match(ids: readonly number[]): number {
    let pages = 0;
    for (const key of pageKeys(ids)) {
      if (!this.#pages.has(key)) break;
      this.#pages.delete(key);
      this.#pages.set(key, true);
      pages++;
    }
    return Math.min(pages * PAGE_TOKENS, Math.max(0, ids.length - 1));
  }

  insert(ids: readonly number[]): void {
    for (const key of pageKeys(ids)) {
      this.#pages.delete(key);
      this.#pages.set(key, true);
    }
    this.#shrink(this.#capacityPages);
  }

  /** Keeps at most `tokens` tokens: running requests need the room. */
  evictTo(tokens: number): void {
    this.#shrink(Math.max(0, Math.floor(tokens / PAGE_TOKENS)));
  }

  get tokens(): number {
    return this.#pages.size * PAGE_TOKENS;
  }

  clear(): void {
    this.#pages.clear();
  }

  #shrink(pages: number): void {
    for (const key of this.#pages.keys()) {
      if (this.#pages.size <= pages) return;
      this.#pages.delete(key);
    }
  }
}

interface Holder {
  dpRank: number;
  tokens: number;
  sharedTokens: number;
}

/** The cache of each attention-DP rank: none has what another has read. */
export class PrefixCaches {
  readonly #caches: readonly PrefixCache[];
  /** Tokens of one rank's pool, which running requests and cached prefixes share. */
  readonly #poolTokens: number;

  constructor({
    radixCache,
    maxTotalTokens,
    attnDpSize,
  }: Pick<EngineSettings, "radixCache" | "maxTotalTokens" | "attnDpSize">) {
    this.#poolTokens = Math.floor(maxTotalTokens / attnDpSize);
    this.#caches = Array.from({ length: attnDpSize }, () => new PrefixCache(radixCache ? this.#poolTokens : 0));
  }

  of({ dpRank }: Pick<Holder, "dpRank">): PrefixCache {
    const cache = this.#caches[dpRank];
    if (cache === undefined) throw new Error(`there is no attention-DP rank ${dpRank}`);
    return cache;
  }

  /** Running requests need the room: what is cached beside those of `next`'s rank goes, the oldest first. */
  makeRoom(next: Holder, running: readonly Holder[]): void {
    const same = running.filter(({ dpRank }) => dpRank === next.dpRank);
    const used = same.reduce((sum, { tokens, sharedTokens }) => sum + tokens - sharedTokens, 0);
    this.of(next).evictTo(this.#poolTokens - used);
  }

  get tokens(): number {
    return this.#caches.reduce((sum, { tokens }) => sum + tokens, 0);
  }

  clear(): void {
    for (const cache of this.#caches) cache.clear();
  }
}

/** Two 32-bit FNV-1a lanes over all ids so far, one key at the end of each page. */
function* pageKeys(ids: readonly number[]): Generator<string> {
  let low = 0x811c9dc5;
  let high = 0x01000193;
  for (let at = 0; at < ids.length; at++) {
    const id = ids[at] as number;
    low = Math.imul(low ^ (id >>> 0), 0x01000193);
    high = Math.imul(high ^ (Math.floor(id / 2 ** 32) >>> 0) ^ low, 0x85ebca6b);
    if ((at + 1) % PAGE_TOKENS === 0) yield `${low >>> 0}.${high >>> 0}`;
  }
}
