import { REMEDIES } from "../../spec/remedies.ts";
import { count, described, list, map, name, object, oneOf, ruled, type Schema, text, time, url } from "./fields.ts";
import { MODES, REQUESTS } from "./resource.ts";

const MAX_GROUPS = 8;
const MAX_SERVERS = 64;

const group = ruled(
  object({
    id: name,
    size: described(count(1), "Servers that it takes."),
    workload: described(name, "Its LeaderWorkerSet."),
    servers: described(
      { ...list(name, MAX_SERVERS), "x-kubernetes-list-type": "set", minItems: 1 },
      "Where it starts; the present members carry the node label tandem.dev/group and stand in the status.",
    ),
  }),
  { "self.servers.size() == self.size": "a group has as many servers as its size says" },
);

const server = object({ address: text(45), agent: url, engine: url, bmc: object({ url }) }, ["bmc"]);

const failover = object({
  mode: oneOf(MODES),
  maxPerHour: count(1),
  startWithinMs: count(1),
  longestStepMs: count(),
  xids: described(map(oneOf(REMEDIES), 1_000), "What to do about single GPU error codes."),
});

const request = object({
  id: text(63),
  kind: oneOf(REQUESTS),
  target: name,
  by: text(253),
  at: time,
});

/** The schema of `ModelServiceSpec`. */
export const specSchema: Schema = ruled(
  object(
    {
      model: text(253),
      revision: described(text(63), "Checksum of template: the same image, flags and model."),
      initialActive: described(name, "The group that the first epoch names; later the status says who is active."),
      groups: { ...list(group, MAX_GROUPS, ["id"]), minItems: 1 },
      servers: map(server, MAX_SERVERS),
      gateways: list(url, 8),
      failover,
      template: described(
        // A pod template is LeaderWorkerSet's to check, which it does before a group is made of it.
        { type: "object", "x-kubernetes-preserve-unknown-fields": true },
        "spec of a LeaderWorkerSet without anything of one group.",
      ),
      pause: described(
        object({ by: text(253), at: time, reason: text(500) }),
        "A person stopped the automation: `tandem pause`, `tandem resume`.",
      ),
      request: described(request, "A planned move or an order of a person, e.g. `tandem switchover`."),
    },
    ["pause", "request"],
  ),
  {
    "self.groups.exists(g, g.id == self.initialActive)": "initialActive is not one of the groups",
    "self.groups.all(g, g.servers.all(s, s in self.servers))": "a group has a server that is not under servers",
    // A request that names nothing would wait for ever.
    "!has(self.request) || (self.request.kind in ['drain', 'return'] ? self.request.target in self.servers : self.groups.exists(g, g.id == self.request.target))":
      "request.target is no group (switchover, failover, rebuild) or no server (drain, return) of this service",
  },
);
