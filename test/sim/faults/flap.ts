import type { FaultKind } from "./catalogue.ts";

const ON_MS = 20_000;
const OFF_MS = 20_000;

/** A GPU that stops its rank for 20 s and lets it go for 20 s, for an hour: each time it is up it looks well. */
export const FLAP: FaultKind = {
  lasts: null,
  begin: ({ world, agents, machines }, server) => {
    let isOver = false;
    const turn = (isBad: boolean) => {
      const { rank } = server;
      if (rank !== null && !server.frozen && server.power) {
        server.faultMs = world.now;
        rank.isStopped = isBad;
        agents.rank(server, isBad ? "stopped" : "running");
        machines.settle(server);
      }
      if (!isOver) world.kernel.after(isBad ? ON_MS : OFF_MS, () => turn(!isBad));
    };
    turn(true);
    return () => {
      isOver = true;
    };
  },
};
