import { expect, test } from "vitest";
import { Kernel } from "../kernel.ts";
import { Actor } from "./actor.ts";

const FROZEN = { fromMs: 10, toMs: 30 };

/** What an actor does that is stopped and woken, in its order. */
function doneBy(plan: (actor: Actor, done: string[]) => void): string[] {
  const kernel = new Kernel();
  const actor = new Actor("one", kernel);
  const done: string[] = [];
  plan(actor, done);
  kernel.at(FROZEN.fromMs, () => actor.freeze());
  kernel.at(FROZEN.toMs, () => actor.wake());
  kernel.run(100, () => false);
  return done;
}

test("what waited while it stood still is done first, then what comes at the moment at which it wakes", () => {
  const at = (actor: Actor, done: string[]) => {
    for (const ms of [5, 31, 20, 30, 15]) actor.after(ms, () => done.push(`${ms} at ${actor.kernel.now}`));
  };
  expect(doneBy(at)).toEqual(["5 at 5", "15 at 30", "20 at 30", "30 at 30", "31 at 31"]);
});

test("one that stops again while it catches up keeps the rest", () => {
  const at = (actor: Actor, done: string[]) => {
    actor.after(15, () => {
      done.push("first");
      actor.freeze();
      actor.kernel.after(20, () => actor.wake());
    });
    actor.after(16, () => done.push(`second at ${actor.kernel.now}`));
  };
  expect(doneBy(at)).toEqual(["first", "second at 50"]);
});

test("one that is killed loses it", () => {
  const at = (actor: Actor, done: string[]) => {
    actor.after(15, () => actor.kill());
    actor.after(16, () => done.push("never"));
  };
  expect(doneBy(at)).toEqual([]);
});
