/**
 * How many NVLinks of each GPU are up, by UUID, of `nvidia-smi nvlink --status`. A link with a rate is up, one that is
 * `<inactive>` is not; a GPU of which anything else is said is left out.
 */
export function parseNvlinks(output: string): Map<string, number> {
  const active = new Map<string, number>();
  const unclear = new Set<string>();
  let uuid = "";
  for (const line of output.split("\n")) {
    const [, next] = /^GPU \d+: .*\(UUID: (GPU-[0-9A-Za-z-]+)\)/.exec(line) ?? [];
    if (next !== undefined) uuid = next;
    else if (/all links are inactive/i.test(line)) active.set(uuid, 0);
    const [, state] = /^\s+Link \d+: (.*\S)/.exec(line) ?? [];
    if (state === undefined) continue;
    const isUp = /^\d+(\.\d+)? GB\/s$/.test(state);
    if (!isUp && state !== "<inactive>") unclear.add(uuid);
    active.set(uuid, (active.get(uuid) ?? 0) + Number(isUp));
  }
  for (const one of ["", ...unclear]) active.delete(one);
  return active;
}

/** What two looks in a row agree on: a link that trains again is inactive for a moment, and no fault. */
export class Nvlinks {
  readonly #everyMs: number;
  #last = new Map<string, number>();
  #dueMs = Number.NEGATIVE_INFINITY;
  /** By UUID. */
  told: ReadonlyMap<string, number> = new Map();

  constructor(everyMs: number) {
    this.#everyMs = everyMs;
  }

  isDue(nowMs: number): boolean {
    return nowMs >= this.#dueMs;
  }

  /** Where two looks differ the next one comes at once. */
  saw(active: Map<string, number>, nowMs: number): void {
    const last = this.#last;
    const both = [...active].flatMap(([uuid, count]): [string, number][] => {
      const before = last.get(uuid);
      return before === undefined ? [] : [[uuid, Math.max(count, before)]];
    });
    const isSettled =
      both.length === active.size &&
      both.every(([uuid, count]) => active.get(uuid) === count && last.get(uuid) === count);
    this.told = new Map(both);
    this.#last = active;
    this.#dueMs = isSettled ? nowMs + this.#everyMs : nowMs;
  }
}
