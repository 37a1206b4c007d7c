import type { Draft } from "../draft.ts";
import { type Problem, warning } from "../problem.ts";
import { entriesOf, itemsOf, serverOf } from "./read.ts";

/** Warnings about an active and a standby group that can fall together, or that are not alike. */
export function failureDomainRules(spec: Draft): Problem[] {
  const [active, standby] = entriesOf(spec.groups);
  if (active === undefined || standby === undefined) return [];
  return [...sharedDomains(spec, active, standby), ...unlikeGpus(spec, active, standby)];
}

type Group = [string, readonly (string | undefined)[]];

function serversOf(spec: Draft, [, members]: Group) {
  return itemsOf(members).flatMap(({ item }) => {
    const server = serverOf(spec, item);
    return server === undefined ? [] : [{ name: item, server }];
  });
}

function sharedDomains(spec: Draft, active: Group, standby: Group): Problem[] {
  const own = serversOf(spec, active);
  // A server in both groups is refused elsewhere; here it would share everything with itself.
  const others = serversOf(spec, standby).filter(({ name }) => own.every((mate) => mate.name !== name));
  // One warning for a domain, however many servers are in it.
  const found = new Map<string, Problem>();
  for (const { name, server } of others) {
    for (const [kind, value] of entriesOf(server.failureDomain)) {
      const other = own.find((mate) => mate.server.failureDomain?.[kind] === value);
      if (other === undefined || found.has(`${kind}=${value}`)) continue;
      found.set(
        `${kind}=${value}`,
        warning("W_SPEC_FAILURE_DOMAIN", ["servers", name, "failureDomain", kind], {
          what: `${other.name} (group ${active[0]}) and ${name} (group ${standby[0]}) share ${kind} ${value}`,
          why: `the loss of ${kind} ${value} takes the active and the standby group at once, and nothing is left to take over`,
          fix: `place the two groups so that no ${kind} holds servers of both`,
        }),
      );
    }
  }
  return [...found.values()];
}

function unlikeGpus(spec: Draft, active: Group, standby: Group): Problem[] {
  const [first] = serversOf(spec, active);
  const [second] = serversOf(spec, standby);
  if (first === undefined || second === undefined || first.server.gpu === second.server.gpu) return [];
  return [
    warning("W_SPEC_GPU_KINDS", ["groups", standby[0]], {
      what: `group ${active[0]} has ${first.server.gpu} and group ${standby[0]} has ${second.server.gpu}`,
      why: "both run one command line, planned for the smaller GPU; after a failover speed and capacity differ",
      fix: "use one kind of GPU in both groups, or accept that the smaller one sets the limits",
    }),
  ];
}
