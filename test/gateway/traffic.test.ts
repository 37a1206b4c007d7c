import { beforeEach, describe, expect, test } from "vitest";
import { Dispatcher, type Job } from "../../src/gateway/dispatcher.ts";
import { EvidenceIntake } from "../../src/gateway/groups/evidence-intake.ts";
import { Group } from "../../src/gateway/groups/group.ts";
import type { ClientRequest } from "../../src/gateway/stream/client-request.ts";
import type { Rider } from "../../src/gateway/stream/rider.ts";
import { Traffic } from "../../src/gateway/traffic.ts";
import { WatchClock } from "../../src/gateway/watch-clock.ts";
import type { Evidence } from "../../src/health/evidence.ts";

const init = { servers: ["gpu-a"], urls: ["http://127.0.0.1:9"], key: null, connectTimeoutMs: 100 };
let nowMs = 0;
let clock: WatchClock;
beforeEach(() => {
  nowMs = 1000;
  clock = new WatchClock(() => nowMs);
});
const later = (ms: number) => {
  for (let passed = 0; passed < ms; passed += 20) {
    nowMs += 20;
    clock.tick();
  }
};

describe("the watch clock", () => {
  test("stands still while the process is held up, also before the tick that tells", () => {
    later(200);
    const before = clock.now();
    nowMs += 3000;
    expect(clock.now() - before).toBe(100);
    clock.tick();
    expect(clock.now() - before).toBe(100);
    expect(clock.heldUpMs).toBe(2900);
  });

  test("tells when it was what others say was so long ago, also across the times at which it stood still", () => {
    const startMs = clock.now();
    later(200);
    nowMs += 3100;
    clock.tick();
    later(200);
    // The timer has not noticed this one yet.
    nowMs += 1100;
    const ages = [0, 1000, 1100, 1300, 4300, 4400];
    expect(ages.map((agoMs) => clock.before(agoMs) - startMs)).toEqual([600, 600, 500, 300, 300, 200]);
  });
});

describe("who gets a group first", () => {
  const started: string[] = [];
  const job = (id: string, contextTokens: number): Job => ({
    id,
    prefillTokens: () => contextTokens,
    start: () => void started.push(id),
  });
  beforeEach(() => started.splice(0));

  test("continuations before new requests, no more prompt at once than the window, suspects one by one", () => {
    const dispatcher = new Dispatcher({ prefillWindowTokens: 1000 });
    const [small, big, third, s1, s2, fresh] = [
      job("small", 400),
      job("big", 800),
      job("third", 900),
      job("s1", 1),
      job("s2", 1),
      job("fresh", 5),
    ];
    dispatcher.submit(fresh);
    dispatcher.resume([small, big, third], [s1, s2]);
    expect(started).toEqual([]);
    dispatcher.use("b");
    expect(started).toEqual(["small", "big"]);
    dispatcher.prefilled(small);
    expect(started).toEqual(["small", "big", "third", "fresh"]);
    dispatcher.prefilled(big);
    dispatcher.prefilled(third);
    expect(started).toEqual(["small", "big", "third", "fresh", "s1"]);
    expect(dispatcher.probation).toBe(s1);
    dispatcher.cleared(s1);
    expect(started.at(-1)).toBe("s2");
    dispatcher.left(s2);
    expect(dispatcher.waiting).toEqual({ carried: 0, suspects: 0, fresh: 0 });
  });

  test("nothing starts while there is no group", () => {
    const dispatcher = new Dispatcher({ prefillWindowTokens: 1000 });
    dispatcher.use("a");
    dispatcher.use(null);
    dispatcher.submit(job("x", 1));
    expect(started).toEqual([]);
    expect(dispatcher.drain().map(({ id }) => id)).toEqual(["x"]);
  });
});

const limits = {
  maxRequests: 10,
  maxEngineQueue: 9,
  maxLegs: 6,
  maxTextBytes: 1e6,
  prefillWindowTokens: 1e6,
  totalDeadlineMs: 1e6,
  poisonForMs: 1e6,
};
const model = { name: "m", parser: null, templateOpensThink: true, contextLength: 1000 };
const events = {
  onBreak: () => {},
  onRunning: () => {},
  onContinued: () => {},
  onFirstToken: () => {},
  onOver: () => {},
  onPoison: () => {},
};

test("a request is refused while more wait in the engine's queue than may, and taken when they do not", () => {
  const group = new Group({ id: "a", ...init }, clock);
  const traffic = new Traffic(model, limits, new Map([["a", group]]), clock, events);
  const asked = () => traffic.assertAdmitted("a fingerprint", group);
  const queue = (queued: number) => {
    group.engine = { instance: "one", state: "serving", tokensTotal: 0, queued };
  };
  expect(asked).not.toThrow();
  queue(limits.maxEngineQueue);
  expect(asked).not.toThrow();
  queue(limits.maxEngineQueue + 1);
  expect(asked).toThrow(expect.objectContaining({ status: 429, code: "overloaded", retryAfterSeconds: 1 }));
  queue(0);
  expect(asked).not.toThrow();
});

describe("carrying over", () => {
  test("no stream starts again on the group that is being left", () => {
    const groups = new Map(["a", "b"].map((id) => [id, new Group({ id, ...init }, clock)]));
    const traffic = new Traffic(model, limits, groups, clock, events);
    const started: string[] = [];
    const rider = (id: string) => {
      const one = {
        id,
        contextTokens: 5,
        legTokens: 9,
        legs: 1,
        lastTokenMs: 1,
        strikes: 0,
        stuck: null,
        warmed: null,
        over: false,
        waitingSinceMs: null,
      };
      let group: string | null = null;
      return {
        ...one,
        request: { fingerprint: id } as ClientRequest,
        prefillTokens: () => one.contextTokens,
        remaining: () => ({}),
        get group() {
          return group;
        },
        start: (to: string) => {
          group = to;
          started.push(`${id} ${to}`);
        },
        leave: () => {
          group = null;
        },
        refuse: () => traffic.onOver(self(id), "refused"),
        cancel: () => {},
      } as Rider;
    };
    const all = ["x", "y"].map(rider);
    const self = (id: string) => all.find((one) => one.id === id) as Rider;
    traffic.use("a", { carry: false, software: false });
    for (const one of all) traffic.admit(one);
    traffic.use("b", { carry: true, software: true });
    expect(started).toEqual(["x a", "y a", "x b", "y b"]);
    expect(all.map(({ strikes }) => strikes)).toEqual([1, 1]);
    for (const one of all) traffic.onOver(one, "left");
  });
});

describe("what an agent tells", () => {
  const hello = {
    type: "hello",
    server: "gpu-a",
    bootId: "b",
    agent: "x",
    heartbeatMs: 250,
    start: "snapshot",
    seq: 9,
    monoMs: 50_000,
    wallMs: 0,
  } as const;
  const evidence = (piece: Evidence, monoMs: number) =>
    ({ type: "evidence", seq: 10, monoMs, wallMs: 0, evidence: piece }) as const;
  const rank = (state: "running" | "exited", pid: number) =>
    ({ kind: "rank", group: "a", rank: 3, pid, state }) as const;
  let group: Group;
  let intake: EvidenceIntake;
  beforeEach(() => {
    group = new Group({ id: "a", ...init }, clock);
    intake = new EvidenceIntake("gpu-a", () => group, clock);
    intake.frame(hello);
    // What was before is told; from here on everything is news.
    intake.frame({ type: "beat", seq: 9, monoMs: 50_000, wallMs: 0 });
  });

  test("an exit of now is a fault, one of a minute ago is history", () => {
    intake.frame(evidence(rank("exited", 7), 50_000 - 60_000));
    expect(group.faults).toEqual([]);
    expect(intake.frame(evidence(rank("exited", 8), 50_000 - 200))).toBe(true);
    expect(group.faults).toMatchObject([{ text: "rank 3 (pid 8) exited", software: true, restartedMs: null }]);
    expect(clock.now() - (group.faults[0]?.atMs ?? 0)).toBe(200);
  });

  test("a rank that runs under a new number is a restart, at the time when the agent saw it", () => {
    intake.frame(evidence(rank("exited", 8), 49_800));
    intake.frame(evidence(rank("running", 9), 49_900));
    expect(group.faults[0]?.restartedMs).toBe(clock.now() - 100);
  });

  test("the same exit told twice is one fault; another group's is none", () => {
    intake.frame(evidence(rank("exited", 8), 50_000));
    intake.frame(evidence(rank("exited", 8), 50_000));
    intake.frame(evidence({ ...rank("exited", 5), group: "z" }, 50_000));
    expect(group.faults).toHaveLength(1);
  });

  test("a new engine that serves is a restart; tokens count only while nobody of ours waits", () => {
    const engine = (instance: string, tokensTotal: number) =>
      ({ kind: "engine", group: "a", instance, state: "serving", tokensTotal, running: 1, queued: 0 }) as const;
    intake.frame(evidence(engine("one", 5), 50_000));
    intake.frame(evidence(rank("exited", 8), 50_000));
    expect(group.lastTokenMs).toBeNull();
    intake.frame(evidence(engine("one", 6), 50_001));
    expect(group.lastTokenMs).toBe(clock.now());
    expect(group.faults[0]?.restartedMs).toBeNull();
    intake.frame(evidence(engine("two", 0), 50_002));
    expect(group.faults[0]?.restartedMs).toBe(clock.now());
    group.passengers.add({ waitingSinceMs: 1 });
    later(100);
    intake.frame(evidence(engine("two", 50), 50_003));
    expect(group.lastTokenMs).toBe(clock.now() - 100);
  });

  test("a close at once is the agent's; a close after a long silence is our own giving up", () => {
    later(100);
    intake.connection("lost");
    expect(intake.view.stream).toBe("closed");
    intake.frame(hello);
    later(3000);
    intake.connection("lost");
    expect(intake.view.stream).toBe("open");
  });
});
