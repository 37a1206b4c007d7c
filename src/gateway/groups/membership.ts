import type { GatewayConfig } from "../config.ts";
import type { Members, Servers } from "../roles.ts";
import type { Group } from "./group.ts";

/** Which server is in which group: first as configured, then as the reconciler says. */
export class Membership {
  readonly #groups: ReadonlyMap<string, Group>;
  #servers: readonly string[];
  /** Where the engine of each server answers. */
  #engines: ReadonlyMap<string, string>;

  constructor({ servers, groups }: Pick<GatewayConfig, "servers" | "groups">, live: ReadonlyMap<string, Group>) {
    this.#groups = live;
    this.#servers = Object.keys(servers);
    const first = Object.values(groups).flatMap(({ servers: names, urls }) =>
      names.flatMap((name, at) => (urls[at] === undefined ? [] : [[name, urls[at]] as const])),
    );
    this.#engines = new Map([...first, ...enginesOf(servers)]);
  }

  /** There are these servers from now on; the groups are as they were until they are assigned. */
  learn(servers: Servers): void {
    this.#servers = Object.keys(servers);
    this.#engines = new Map([...this.#engines, ...enginesOf(servers)]);
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
      const urls = servers.flatMap((server) => this.#engines.get(server) ?? []);
      if (isSame(servers, group.servers) && isSame(urls, group.urls)) continue;
      group.reassign(servers, urls);
      changed.push(id);
    }
    return { changed, unknown };
  }
}

function enginesOf(servers: Readonly<Record<string, { engine?: string | undefined }>>): [string, string][] {
  return Object.entries(servers).flatMap(([name, { engine }]): [string, string][] =>
    engine === undefined ? [] : [[name, engine]],
  );
}

/** In whatever order: which of them holds the leader is found out by asking. */
function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((server) => b.includes(server));
}
