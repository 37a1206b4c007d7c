import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { GatewayView, GroupView } from "../../src/failover/choose/view.ts";
import { choose } from "../../src/failover/choose.ts";
import { AT, fault, group, idle } from "./views.ts";

const ago = (max = 20_000) => fc.integer({ min: 0, max }).map((ms) => AT - ms);
const maybe = <T>(arb: fc.Arbitrary<T>) => fc.option(arb, { nil: null });

function groupOf(id: string): fc.Arbitrary<GroupView> {
  const [first, second] = id === "a" ? ["gpu-a", "gpu-b"] : ["gpu-c", "gpu-d"];
  const oneServer = (name: string) =>
    fc.record({
      id: fc.constant(name),
      stream: fc.constantFrom("open" as const, "closed" as const, "never" as const),
      lastHeardMs: ago(2000),
      stopped: maybe(fc.record({ rank: fc.constant(9), pid: fc.constant(71), sinceMs: ago(5000) })),
    });
  return fc.record({
    id: fc.constant(id),
    servers: fc.tuple(oneServer(first as string), oneServer(second as string)),
    faults: fc.array(
      fc.record({
        atMs: ago(),
        server: fc.constant(first as string),
        text: fc.constant("XID 79"),
        software: fc.boolean(),
        restartedMs: maybe(ago()),
      }),
      { maxLength: 2 },
    ),
    breaks: fc.array(
      fc.record({ atMs: ago(2000), how: fc.constantFrom("reset" as const, "closed" as const, "refused" as const) }),
      { maxLength: 3 },
    ),
    lastTokenMs: maybe(ago()),
    waitingSinceMs: maybe(ago()),
    passengers: fc.nat({ max: 2 }),
    canary: fc.record({ askedMs: maybe(ago()), answeredMs: maybe(ago()), failedMs: maybe(ago()) }),
    engine: fc.constantFrom(
      "starting" as const,
      "serving" as const,
      "unhealthy" as const,
      "unreachable" as const,
      null,
    ),
    wellSinceMs: maybe(ago()),
    hasServed: fc.boolean(),
  });
}

const views: fc.Arbitrary<GatewayView> = fc.record({
  atMs: fc.constant(AT),
  current: fc.constantFrom("a", "b"),
  moves: fc
    .array(fc.record({ atMs: ago(60_000), from: fc.constant("a"), to: fc.constant("b") }), { maxLength: 3 })
    .map((moves) => moves.toSorted((x, y) => x.atMs - y.atMs)),
  word: maybe(fc.record({ active: fc.constantFrom("a", "b", "z"), epoch: fc.integer({ min: 0, max: 4 }) })),
  adoptedEpoch: fc.integer({ min: 0, max: 4 }),
  heldSinceMs: maybe(ago()),
  pardonedMs: maybe(ago()),
  startUntilMs: maybe(fc.integer({ min: -5000, max: 60_000 }).map((ms) => AT + ms)),
  pendingSinceMs: maybe(ago()),
  groups: fc.tuple(groupOf("a"), groupOf("b")),
});
const RUNS = { numRuns: 2000 };

describe("whatever was observed", () => {
  test("an answer has a reason, names a group that exists, and is the same for the same view", () => {
    fc.assert(
      fc.property(views, (one) => {
        const choice = choose(one);
        expect(choice.reason.length).toBeGreaterThan(5);
        if (choice.kind === "use") expect(["a", "b"]).toContain(choice.group);
        expect(choose(structuredClone(one))).toEqual(choice);
      }),
      RUNS,
    );
  });

  test("traffic moves only away from a suspect, on a fresh epoch, or out of a hold", () => {
    fc.assert(
      fc.property(views, (one) => {
        const choice = choose(one);
        if (choice.kind !== "use" || choice.group === one.current) return;
        const mine = choice.suspicions.find(({ group: id }) => id === one.current);
        const fresh = one.word !== null && one.word.epoch > one.adoptedEpoch && one.word.active === choice.group;
        expect(mine?.state === "suspect" || fresh || one.heldSinceMs !== null).toBe(true);
      }),
      RUNS,
    );
  });

  test("traffic never moves to a suspect, unless it is the first to answer", () => {
    fc.assert(
      fc.property(views, (one) => {
        const choice = choose(one);
        if (choice.kind !== "use" || choice.group === one.current || choice.pardon) return;
        expect(choice.suspicions.find(({ group: id }) => id === choice.group)?.state).not.toBe("suspect");
      }),
      RUNS,
    );
  });

  test("an epoch never goes back", () => {
    fc.assert(
      fc.property(views, (one) => {
        const choice = choose(one);
        if (choice.kind === "use" && choice.adoptEpoch !== null)
          expect(choice.adoptEpoch).toBeGreaterThan(one.adoptedEpoch);
      }),
      RUNS,
    );
  });

  test("silence alone never makes a group suspect while its tokens flow", () => {
    fc.assert(
      fc.property(views, ago(500), (one, token) => {
        const groups = one.groups.map((each) => ({
          ...each,
          faults: [],
          breaks: [],
          lastTokenMs: token,
          canary: { askedMs: null, answeredMs: null, failedMs: null },
        }));
        for (const suspicion of choose({ ...one, groups, heldSinceMs: null }).suspicions)
          expect(suspicion.state).not.toBe("suspect");
      }),
      RUNS,
    );
  });

  test("absence of all information is no fault", () => {
    fc.assert(
      fc.property(views, fc.integer({ min: 351, max: 4900 }), (one, silence) => {
        const servers = one.groups.map((each) => each.servers.map((each) => ({ ...each, lastHeardMs: AT - silence })));
        const groups = one.groups.map((each, at) => ({
          ...each,
          servers: servers[at] ?? [],
          faults: [],
          breaks: [],
          lastTokenMs: AT - silence,
          canary: { askedMs: null, answeredMs: AT - 5000, failedMs: null },
        }));
        const choice = choose({ ...one, groups, heldSinceMs: null, word: null });
        expect(choice).toMatchObject({ kind: "use", group: one.current });
      }),
      RUNS,
    );
  });

  test("a first real fault is always acted on", () => {
    fc.assert(
      fc.property(views, fc.boolean(), (one, software) => {
        const groups = [group("a", { faults: [fault("a fault", { software })] }), idle("b")];
        const choice = choose({ ...one, current: "a", groups, heldSinceMs: null, pardonedMs: null });
        expect(choice).toMatchObject({ kind: "use", group: "b", running: "carry" });
      }),
      RUNS,
    );
  });

  test("every hold has a deadline, and after it requests are refused, not kept", () => {
    fc.assert(
      fc.property(views, fc.integer({ min: 15_000, max: 90_000 }), (one, held) => {
        const choice = choose({ ...one, heldSinceMs: AT - held, pendingSinceMs: AT - held });
        expect(choice.kind).not.toBe("hold");
      }),
      RUNS,
    );
  });
});
