import { expect, test } from "vitest";
import type { Evidence } from "../../src/health/evidence.ts";
import { fenceOf } from "../../src/health/fenced.ts";
import { gpus, type Heard, play } from "./support.ts";

/** One life of a group's eight ranks on a server, from the first of them on: started, and ended ten seconds later. */
function life(at: number, first: number): [number, Heard][] {
  const said = (state: "running" | "exited"): Evidence[] => [
    ...Array.from({ length: 8 }, (_, rank): Evidence => {
      return { kind: "rank", group: "b", rank: first + rank, pid: 100 * at + rank, state };
    }),
    { kind: "engine-process", group: "b", pid: 100 * at + 99, state },
  ];
  const beganMs = at * 20_000;
  return [
    ...said("running").map((one): [number, Heard] => [beganMs, one]),
    ...said("exited").map((one): [number, Heard] => [beganMs + 10_000, one]),
  ];
}

// Seen on a cluster: after the eighth failover in which its group's first rank lay here, no proof was enough any more.
test.each([1, 8, 9, 40])(
  "ranks that ended %i lives ago, and never run here again, do not keep a server from being used",
  (lives) => {
    const story = [life(1, 8), ...Array.from({ length: lives }, (_, at) => life(at + 2, 0))].flat();
    const endMs = (lives + 3) * 20_000;
    const known = play("gpu-d", [...story, [endMs + 1, gpus({ processIds: [] })], [endMs + 2, "beat"]]);
    expect(fenceOf(known, { atMs: endMs, bootId: "boot-1" }, null)).toMatchObject({ fenced: true, by: "empty" });
    // What is forgotten of a life is all of it.
    expect(known.pieces.length).toBeLessThan(200);
  },
);

test("a rank that runs is not forgotten with the end of another process of the same number", () => {
  const others = Array.from({ length: 12 }, (_, at) => life(at + 2, 8)).flat();
  const again: Evidence = { kind: "rank", group: "b", rank: 0, pid: 100, state: "running" };
  const known = play("gpu-d", [...life(1, 0), [35_000, again], ...others, [400_001, gpus({ processIds: [] })]]);
  expect(fenceOf(known, { atMs: 400_000, bootId: "boot-1" }, null)).toMatchObject({
    fenced: false,
    reason: "not ended yet: rank b/0",
  });
});
