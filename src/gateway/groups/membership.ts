import type { GatewayConfig } from "../config.ts";
import type { Members } from "../roles.ts";
import type { Group } from "./group.ts";

/** Which server is in which group: first as configured, then as the reconciler says. */
export class Membership {
  readonly #groups: ReadonlyMap<string, Group>;
  readonly #servers: readonly string[];
  /** Where the engine of each server answers. */
  readonly #engines: ReadonlyMap<string, string>;

  constructor({ servers, groups }: Pick<GatewayConfig, "servers" | "groups">, live: ReadonlyMap<string, Group>) {
    this.#groups = live;
    this.#servers = Object.keys(servers);
    const first = Object.values(groups).flatMap(({ servers: names, urls }) =>
      names.flatMap((name, at) => (urls[at] === undefined ? [] : [[name, urls[at]] as const])),
    );
    const named = Object.entries(servers).flatMap(([name, { engine }]) =>
      engine === undefined ? [] : [[name, engine] as const],
    );
    this.#engines = new Map([...first, ...named]);
  }

  groupOf(server: string): Group | null {
    return [...this.#groups.values()].find(({ servers }) => servers.includes(server)) ?? null;
  }

  /**
   * Puts the servers into their groups. Groups that the word does not name stay as they are; servers that this gateway has never
   * heard of are answered and left out: the others serve all the same.
   */
  assign(members: Members): { changed: string[]; unknown: string[] } {
    const changed: string[] = [];
    const unknown: string[] = [];
    for (const [id, wanted] of Object.entries(members)) {
      const group = this.#groups.get(id);
      if (group === undefined) continue;
      const servers = wanted.filter((server) => this.#servers.includes(server));
      unknown.push(...wanted.filter((server) => !this.#servers.includes(server)));
      if (isSame(servers, group.servers)) continue;
      group.reassign(
        servers,
        servers.flatMap((server) => this.#engines.get(server) ?? []),
      );
      changed.push(id);
    }
    return { changed, unknown };
  }
}

/** In whatever order: which of them holds the leader is found out by asking. */
function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((server) => b.includes(server));
}
