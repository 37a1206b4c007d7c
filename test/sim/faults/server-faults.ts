import { compareRemedies } from "../../../src/health/remedy.ts";
import type { Stack } from "../stack.ts";
import type { SimServer } from "../world/types.ts";
import type { FaultKind } from "./catalogue.ts";

const put = (server: SimServer, stack: Stack) => {
  server.faultMs = stack.world.now;
};

/** A GPU breaks: the kernel says so, the ranks end or hang. On a machine that is off nobody says so. */
function gpu(needs: NonNullable<SimServer["needs"]>, code: number, isHidden = false): FaultKind["begin"] {
  return (stack, server, { detail }) => {
    const { agents, engines, machines, world } = stack;
    put(server, stack);
    // What a smaller thing would mend is not mended by it if it needed more before.
    if (server.needs === null || compareRemedies(needs, server.needs) > 0) server.needs = needs;
    server.isHidden ||= isHidden;
    if (!server.power) return;
    agents.line(server, { kind: "xid", code });
    agents.lookSoon(server);
    const { rank } = server;
    machines.settle(server);
    if (detail < 0.7) world.kernel.after(detail * 800, () => server.rank === rank && engines.crash(server));
  };
}

const settle = (stack: Stack, server: SimServer) => stack.machines.settle(server);

/** What can happen to one server. Each returns how it ends by itself, where it does. */
export const SERVER_FAULTS: Readonly<Record<string, FaultKind>> = {
  "power-cut": {
    lasts: [5_000, 60_000, 0.6],
    begin: (stack, server) => {
      put(server, stack);
      stack.machines.cutPower(server);
      // A hand puts the power back.
      return () => !server.power && stack.machines.boot(server);
    },
  },
  freeze: {
    lasts: [500, 40_000, 0.3],
    begin: (stack, server) => {
      put(server, stack);
      stack.machines.freeze(server, true);
      return () => stack.machines.freeze(server, false);
    },
  },
  "net-cut": {
    lasts: [300, 60_000, 0.2],
    begin: (stack, server) => {
      put(server, stack);
      stack.machines.cutNet(server, true);
      return () => stack.machines.cutNet(server, false);
    },
  },
  // Memory wears: it computes on, and the remap of the row waits for the next reset.
  "gpu-wear": {
    lasts: null,
    needsPower: true,
    begin: (stack, server) => {
      if (server.frozen) return;
      put(server, stack);
      server.needs ??= "schedule-reset";
      stack.agents.line(server, { kind: "xid", code: 63 });
      stack.agents.lookSoon(server);
    },
  },
  "gpu-reset": { lasts: null, begin: gpu("failover-reset", 95) },
  "gpu-lost": { lasts: null, begin: gpu("failover-reboot", 79) },
  "gpu-broken": { lasts: null, begin: gpu("failover-support", 74) },
  "gpu-half-mended": { lasts: null, begin: gpu("failover-reset", 119, true) },
  "software-xid": {
    lasts: null,
    needsPower: true,
    begin: (stack, server, { detail }) => {
      // It is a process that does it, and where none runs on none ends: such a line would be without what it tells of.
      if (server.frozen) return;
      put(server, stack);
      stack.agents.line(server, { kind: "xid", code: 31 });
      const { rank } = server;
      stack.world.kernel.after(20 + detail * 300, () => server.rank === rank && stack.engines.crash(server));
    },
  },
  "rank-exit": {
    lasts: null,
    begin: (stack, server) => {
      put(server, stack);
      stack.engines.crash(server);
    },
  },
  "rank-stop": {
    lasts: [300, 30_000, 0.3],
    begin: (stack, server) => {
      const { rank } = server;
      if (rank === null || server.frozen) return;
      put(server, stack);
      rank.isStopped = true;
      stack.agents.rank(server, "stopped");
      settle(stack, server);
      return () => {
        rank.isStopped = false;
        if (server.rank !== rank) return;
        stack.agents.rank(server, "running");
        settle(stack, server);
      };
    },
  },
  "rank-stop-exit": {
    lasts: null,
    begin: (stack, server, { detail }) => {
      const { rank } = server;
      if (rank === null || server.frozen) return;
      put(server, stack);
      rank.isStopped = true;
      stack.agents.rank(server, "stopped");
      settle(stack, server);
      stack.world.kernel.after(1_000 + detail * 4_000, () => server.rank === rank && stack.engines.crash(server));
    },
  },
  "engine-hang": {
    lasts: [1_000, 40_000, 0.5],
    begin: (stack, server) => {
      const id = server.rank?.group;
      if (id === undefined) return;
      const group = stack.world.group(id);
      const { start } = group;
      put(server, stack);
      group.isStuck = true;
      stack.engines.settle(group);
      return () => {
        if (group.start !== start) return;
        group.isStuck = false;
        stack.engines.settle(group);
      };
    },
  },
  "agent-away": {
    lasts: [500, 40_000, 0],
    begin: (stack, server) => {
      if (server.agent === null) return;
      stack.agents.stop(server);
      const { life } = server;
      return () => server.life === life && server.agent === null && server.power && stack.agents.start(server);
    },
  },
  "ib-down": {
    lasts: [500, 40_000, 0.2],
    begin: (stack, server) => {
      put(server, stack);
      server.ib = false;
      stack.agents.link(server, 1);
      settle(stack, server);
      return () => {
        server.ib = true;
        stack.agents.link(server, 1);
        settle(stack, server);
      };
    },
  },
  hot: {
    lasts: [10_000, 60_000, 0],
    begin: (stack, server) => {
      put(server, stack);
      server.isHot = true;
      stack.agents.lookSoon(server);
      return () => {
        server.isHot = false;
        stack.agents.lookSoon(server);
      };
    },
  },
  reboot: {
    lasts: null,
    begin: (stack, server) => {
      put(server, stack);
      stack.machines.boot(server);
    },
  },
  "bad-link": {
    lasts: [300, 40_000, 0],
    begin: (stack, server, { detail }) => {
      const { world, gateways, reconcilers } = stack;
      const all = [...gateways, ...reconcilers];
      const observer = all[Math.floor(detail * all.length)]?.name ?? "";
      const key = `${observer} ${server.name}`;
      world.cut.add(key);
      world.flowChanged(server);
      return () => {
        world.cut.delete(key);
        world.flowChanged(server);
      };
    },
  },
  "bmc-dead": {
    lasts: [5_000, 60_000, 0.5],
    begin: (_, server) => {
      if (server.bmc !== "works") return;
      server.bmc = "dead";
      return () => {
        server.bmc = "works";
      };
    },
  },
  cordon: {
    lasts: [5_000, 60_000, 0.3],
    begin: ({ world }, server, { detail }) => {
      // A person may take the spare for something else.
      const spare = Object.entries(world.api.state.nodes).find(([, { group }]) => group === null)?.[0];
      const name = detail < 0.5 && spare !== undefined ? spare : server.name;
      world.api.patchNode(name, { cordoned: true });
      return () => world.api.patchNode(name, { cordoned: false });
    },
  },
};
