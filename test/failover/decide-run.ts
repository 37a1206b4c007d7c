import { expect } from "vitest";
import { decide } from "../../src/failover/decide.ts";
import type { Action, Decision } from "../../src/failover/decision.ts";
import { isIntact } from "../../src/failover/intact.ts";
import { DEFAULT_POLICY, type GroupObserved, type ServerObserved } from "../../src/failover/observed.ts";
import { apply, pass, type World } from "./decide-world.ts";

/** Lets the world run until nothing changes any more for so many half minutes. */
export function run(
  start: World,
  check: (before: World, action: Action, after: World) => void = () => {},
  patience = 8,
  /** Called after each action with how many there were: what happens then comes on top of what the action did. */
  meanwhile: (world: World, actions: number) => World = (world) => world,
) {
  const actions: Action[] = [];
  let world = start;
  let last: Decision = decide(world.seen);
  for (let idle = 0; idle < patience; ) {
    last = decide(world.seen);
    if (last.kind === "act") {
      const after = apply(world, last.action);
      check(world, last.action, after);
      actions.push(last.action);
      if (actions.length > 60) break;
      world = meanwhile(pass(after, 10), actions.length);
      idle = 0;
      continue;
    }
    const untilMs = last.kind === "wait" ? last.untilMs - world.seen.atMs : 30_000;
    world = pass(world, Math.max(10, Math.min(30_000, untilMs)));
    if (untilMs >= 30_000) idle += 1;
  }
  return { actions, last, world };
}

export const intact = ({ seen }: World) => seen.groups.filter(isIntact).length;

/** The invariants of the design that one action can break, against what is true and not against what is seen. */
export function checkInvariants(before: World, action: Action, after: World, trace: string): void {
  const group = (id: string) => before.seen.groups.find((one) => one.id === id) as GroupObserved;
  const server = (name: string) => before.seen.servers.find((one) => one.name === name) as ServerObserved;
  if (intact(before) > 0) expect(intact(after), trace).toBeGreaterThan(0);
  switch (action.kind) {
    case "set-active":
      expect(action.epoch, trace).toBe(before.seen.epoch + 1);
      if (action.why !== "adopt" && action.why !== "settle") expect(isIntact(group(action.group)), trace).toBe(true);
      break;
    case "stop-group":
      if (action.why === "fault") expect(isIntact(group(action.group)), trace).toBe(false);
      else expect(action.group === before.seen.active || intact(before) < 2, trace).toBe(false);
      break;
    case "quarantine": {
      const { group: label, resetDue, verdict } = server(action.server);
      const mine = group(label ?? "");
      const isEmpty = label === null || mine.run === "stopped";
      // What only wears is reset where it serves nobody.
      if (resetDue && isEmpty) break;
      const { state, sinceMs } = !isEmpty && mine.verdict.state === "suspect" ? mine.verdict : verdict;
      // Silence alone cuts nobody off before it has lasted, and never one whose group serves.
      const { confirmAfterMs, lostAfterMs } = DEFAULT_POLICY;
      if (state === "blind") expect(mine.run, trace).not.toBe("serving");
      else expect(state, trace).toBe("suspect");
      expect(before.seen.atMs - sinceMs, trace).toBeGreaterThanOrEqual(
        state === "blind" ? lostAfterMs : confirmAfterMs,
      );
      break;
    }
    case "power-off":
    case "treat": {
      const { quarantine, group: label } = server(action.server);
      expect(quarantine, trace).not.toBeNull();
      if (label !== null) expect(group(label).run, trace).toBe("stopped");
      if (action.kind === "treat") expect(before.truth[action.server]?.busy, trace).toBe(false);
      break;
    }
    case "start-group":
      for (const name of group(action.group).members) {
        expect(before.truth[name], `${name} ${trace}`).toMatchObject({ busy: false, needs: null, on: true });
        expect(server(name).quarantine, trace).toBeNull();
      }
      expect(group(action.group).members.length, trace).toBe(group(action.group).size);
      break;
    case "add-member":
      expect(before.truth[action.server], trace).toMatchObject({ busy: false, needs: null });
      expect(server(action.server).group, trace).toBeNull();
      break;
    case "return-server":
      expect(before.truth[action.server], trace).toMatchObject({ needs: null, on: true });
      break;
  }
}
