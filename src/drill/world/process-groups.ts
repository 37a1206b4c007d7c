/**
 * Whether anything of a process group is left. While it is, no other process gets its number; afterwards the number is
 * anybody's, within minutes where a computer counts to 32,768 only.
 */
export function isGroupLeft(group: number): boolean {
  try {
    return group > 1 && process.kill(-group, 0);
  } catch {
    return false;
  }
}

/** Process groups that are to be ended together, as far as they are still ours. */
export class ProcessGroups {
  readonly #groups = new Set<number>();

  /** Takes one more, and lets go of those of which nothing is left. A process that could not be started has no number. */
  add(group: number): void {
    this.forgetEnded();
    if (group > 1) this.#groups.add(group);
  }

  forgetEnded(): void {
    for (const group of this.#groups) if (!isGroupLeft(group)) this.#groups.delete(group);
  }

  kill(): void {
    for (const group of this.#groups)
      try {
        process.kill(-group, "SIGKILL");
      } catch {}
    this.#groups.clear();
  }
}
