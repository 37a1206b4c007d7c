import type { SimReconciler } from "../actors/reconciler.ts";
import { membersByGroup, type Stack } from "../stack.ts";
import { GROUPS } from "../world/world.ts";
import type { FaultKind } from "./catalogue.ts";

const RESTART_MS = 2_500;

const leaderOf = ({ reconcilers }: Stack): SimReconciler | undefined =>
  reconcilers.find(({ leads, alive }) => leads && alive) ?? reconcilers.find(({ alive }) => alive);

/** After so many steps of an action; a leader that takes none is hit after a while all the same. */
function atStep(stack: Stack, detail: number, hit: (who: SimReconciler) => void): void {
  let left = Math.floor(detail * 12);
  let isOver = false;
  const once = (who: SimReconciler | undefined) => {
    if (isOver || who === undefined) return;
    isOver = true;
    hit(who);
  };
  const before = stack.effects.onStep;
  stack.effects.onStep = (by) => {
    before(by);
    left -= 1;
    if (left <= 0) once(by);
  };
  stack.world.kernel.after(8_000, () => once(leaderOf(stack)));
}

/** What can happen to gateways, reconcilers, the API server, and what persons do. */
export const SYSTEM_FAULTS: Readonly<Record<string, FaultKind>> = {
  "gateway-crash": {
    lasts: null,
    begin: ({ world, gateways }, _, { detail }) => {
      const gateway = gateways[detail < 0.5 ? 0 : 1];
      const sibling = gateways[detail < 0.5 ? 1 : 0];
      if (gateway === undefined || !gateway.alive) return;
      gateway.kill();
      world.kernel.after(RESTART_MS, () => {
        const { active, epoch } = world.api.state.service;
        const isKnown = !world.api.down;
        const other = sibling?.runs
          ? { active: sibling.wordOf.active, epoch: sibling.wordOf.epoch }
          : { active: "a", epoch: 1 };
        const best = isKnown && epoch > other.epoch ? { active, epoch } : other;
        gateway.begin(best.active, best.epoch, membersByGroup(world));
      });
    },
  },
  "gateway-freeze": {
    lasts: [200, 20_000, 0],
    begin: ({ gateways }, _, { detail }) => {
      const gateway = gateways[detail < 0.5 ? 0 : 1];
      gateway?.freeze();
      return () => gateway?.wake();
    },
  },
  "gateway-apart": {
    lasts: [500, 30_000, 0],
    begin: ({ world, gateways }, _, { detail }) => {
      const name = gateways[detail < 0.5 ? 0 : 1]?.name ?? "";
      const group = detail % 0.5 < 0.25 ? "a" : "b";
      const servers = (GROUPS[group] ?? []).map((one) => world.server(one));
      const each = (then: (key: string) => void) => {
        for (const server of servers) {
          then(`${name} ${server.name}`);
          world.flowChanged(server);
        }
      };
      each((key) => world.cut.add(key));
      return () => each((key) => world.cut.delete(key));
    },
  },
  "reconciler-crash": {
    lasts: null,
    begin: (stack, _, { detail }) =>
      void atStep(stack, detail, (who) => {
        who.kill();
        stack.world.say(() => `${who.name} is killed`);
        stack.world.kernel.after(RESTART_MS, () => !who.alive && who.begin());
      }),
  },
  "reconciler-freeze": {
    lasts: null,
    begin: (stack, _, { detail }) =>
      void atStep(stack, detail, (who) => {
        who.freeze();
        stack.world.say(() => `${who.name} is stopped`);
        stack.world.kernel.after(2_000 + ((detail * 7) % 1) * 40_000, () => {
          stack.world.say(() => `${who.name} is woken`);
          who.wake();
        });
      }),
  },
  "reconcilers-away": {
    lasts: [5_000, 40_000, 0],
    begin: ({ reconcilers }) => {
      for (const one of reconcilers) one.kill();
      return () => {
        for (const one of reconcilers) if (!one.alive) one.begin();
      };
    },
  },
  "api-away": {
    lasts: [1_000, 40_000, 0],
    begin: ({ world, cluster, gateways }) => {
      world.api.down = true;
      return () => {
        world.api.down = false;
        cluster.touchAll();
        for (const server of world.servers.values()) cluster.linkChanged(server);
        const { active, epoch } = world.api.state.service;
        for (const gateway of gateways) gateway.after(500, () => gateway.told(active, epoch, membersByGroup(world)));
        world.changed();
      };
    },
  },
  "watch-late": {
    lasts: [3_000, 40_000, 0],
    begin: ({ reconcilers, world }, _, { detail }) => {
      for (const one of reconcilers) one.watchLagMs = 500 + detail * 29_500;
      return () => {
        for (const one of reconcilers) one.watchLagMs = 0;
        world.changed();
      };
    },
  },
  "answers-lost": {
    lasts: [3_000, 40_000, 0],
    begin: ({ effects }) => {
      effects.losesAnswers = true;
      return () => {
        effects.losesAnswers = false;
      };
    },
  },
  poison: {
    lasts: null,
    begin: (stack, _, { detail }) => {
      const { world, engines, gateways } = stack;
      world.isPoisoned = true;
      // It is tried once more on the group that takes over, alone, and refused after that.
      const hit = (triesLeft: number, not: string) => {
        const id = gateways[0]?.current ?? "a";
        const leader = world.servers.get(world.group(id).members[0] ?? "");
        if (id === not || !world.serves(id) || leader === undefined) return false;
        leader.faultMs = world.now;
        engines.crash(leader);
        if (triesLeft > 0) again(triesLeft - 1, id, 10);
        return true;
      };
      const again = (triesLeft: number, not: string, looks: number) =>
        world.kernel.after(1_000 + detail * 2_000, () => {
          if (!hit(triesLeft, not) && looks > 0) again(triesLeft, not, looks - 1);
        });
      hit(1, "");
    },
  },
  "bad-revision": {
    lasts: null,
    begin: ({ world }) => {
      const revision = `bad${world.badRevisions.size + 1}`;
      world.badRevisions.add(revision);
      world.api.patchService({ wantedRevision: revision });
    },
  },
  "new-revision": {
    lasts: null,
    begin: ({ world }) => world.api.patchService({ wantedRevision: `v${world.api.state.service.version + 1}` }),
  },
  pause: {
    lasts: [5_000, 40_000, 0],
    begin: ({ world }) => {
      world.api.patchService({ paused: true });
      return () => world.api.patchService({ paused: false });
    },
  },
  switchover: {
    lasts: [20_000, 40_000, 0],
    begin: ({ world }) => {
      const to = world.api.state.service.active === "a" ? "b" : "a";
      world.api.patchService({ switchoverTo: to });
      // A person who gives up takes the wish back.
      return () => world.api.state.service.switchoverTo !== null && world.api.patchService({ switchoverTo: null });
    },
  },
};
