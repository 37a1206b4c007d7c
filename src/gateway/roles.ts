/** Which servers each group has now. */
export type Members = Readonly<Record<string, readonly string[]>>;

/** Where each server of the stack is heard, and where its engine answers. */
export type Servers = Readonly<Record<string, { agent: string; engine?: string | undefined }>>;

/** Which group is active, in the reconciler's word. The epoch only ever grows. */
export interface Role {
  active: string;
  epoch: number;
  reason: string;
  /** Why it moved last, as the ModelService has it; `failover`: the group before it was given up. */
  why?: string | undefined;
  /** Missing while nobody has told it: then the configuration's hold. */
  members?: Members | undefined;
  /** Missing while nobody has told it: then the configuration's hold. */
  servers?: Servers | undefined;
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

  /**
   * Takes a word with a higher epoch, or the present one with other members or servers: a spare takes a place, and a server is
   * added, without a move of traffic. An old word is refused, whoever sends it.
   */
  set(role: Role): boolean {
    if (!isNews(role, this.#role)) return false;
    const { members, servers } = this.#role;
    this.#role = { ...role, members: role.members ?? members, servers: role.servers ?? servers };
    for (const watcher of this.#watchers) watcher(this.#role);
    return true;
  }
}

function isNews({ active, epoch, members, servers }: Role, present: Role): boolean {
  if (epoch !== present.epoch) return epoch > present.epoch;
  if (active !== present.active) return false;
  const otherMembers = members !== undefined && !sameMembers(members, present.members ?? {});
  return otherMembers || (servers !== undefined && !sameServers(servers, present.servers ?? {}));
}

function sameServers(a: Servers, b: Servers): boolean {
  const lines = (servers: Servers) =>
    Object.entries(servers).map(([name, { agent, engine }]) => `${name} ${agent} ${engine}`);
  return inAnyOrder(lines(a), lines(b));
}

function sameMembers(a: Members, b: Members): boolean {
  const lines = (members: Members) =>
    Object.entries(members).map(([id, servers]) => `${id}: ${[...servers].sort().join(" ")}`);
  return inAnyOrder(lines(a), lines(b));
}

function inAnyOrder(a: readonly string[], b: readonly string[]): boolean {
  return a.toSorted().join("\n") === b.toSorted().join("\n");
}
