/** Which group is active, in the reconciler's word. The epoch only ever grows. */
export interface Role {
  active: string;
  epoch: number;
  reason: string;
}

/** Where the word comes from: set over the admin port, the rehearsal's store, or the ModelService of the cluster. */
export interface RoleSource {
  /** Calls back with what is known, at once and after each change; returns how to stop. */
  watch(onRole: (role: Role) => void): () => void;
}

/** Holds the word in memory. */
export class MemoryRoles implements RoleSource {
  #role: Role;
  readonly #watchers = new Set<(role: Role) => void>();

  constructor(role: Role) {
    this.#role = role;
  }

  get role(): Role {
    return this.#role;
  }

  watch(onRole: (role: Role) => void): () => void {
    this.#watchers.add(onRole);
    onRole(this.#role);
    return () => this.#watchers.delete(onRole);
  }

  /** Takes a word with a higher epoch; an old one is refused, whoever sends it. */
  set(role: Role): boolean {
    if (role.epoch <= this.#role.epoch) return false;
    this.#role = role;
    for (const watcher of this.#watchers) watcher(role);
    return true;
  }
}
