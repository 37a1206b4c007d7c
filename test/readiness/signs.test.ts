import { describe, expect, test } from "vitest";
import { nextSilenceMs, type Outlook, SIGN_SILENCE_MS, signsOf } from "../../src/failover/readiness/signs.ts";
import { hearConnection } from "../../src/health/hear.ts";
import { DEFAULT_HEALTH_RULES } from "../../src/health/rules.ts";
import { play, xid } from "../health/support.ts";

const T = 10_000;
const heard = (server: string, atMs = T) => play(server, [[atMs, "beat"]]);
const calm: Outlook = {
  active: "a",
  epoch: 3,
  gateways: [{ replica: "cp-1", group: "a", sinceMs: 0, epoch: 3 }],
  servers: [heard("gpu-a"), heard("gpu-b")],
  neighbours: [heard("gpu-c")],
};
const reasons = (outlook: Outlook, atMs = T, silenceMs?: number) =>
  signsOf(outlook, atMs, DEFAULT_HEALTH_RULES, silenceMs).map(({ reason }) => reason);
const EPOCH = "epoch 3 has begun";

describe("what says that the standby may be needed", () => {
  test.each<[string, Partial<Outlook>, string[]]>([
    ["nothing, while all is well: the epoch is news only once", {}, [EPOCH]],
    ["an epoch", { epoch: 4 }, ["epoch 4 has begun"]],
    [
      "a gateway that uses the standby, whatever it has told why",
      { gateways: [{ replica: "cp-1", group: "b", sinceMs: 0, epoch: 3 }] },
      [EPOCH, "gateway cp-1 uses group b"],
    ],
    [
      "a fault that would move traffic",
      { servers: [play("gpu-a", [[T, xid(79, 3)]]), heard("gpu-b")] },
      [EPOCH, expect.stringMatching(/^gpu-a, gpu .*\[xid-79\]$/)],
    ],
    ["none that would not", { servers: [play("gpu-a", [[T, xid(63, 3)]]), heard("gpu-b")] }, [EPOCH]],
    [
      "a connection that is lost",
      { servers: [hearConnection(heard("gpu-a"), "lost", "reset", T), heard("gpu-b")] },
      [EPOCH, "gpu-a: connection lost (reset)"],
    ],
    [
      "silence, while others are heard",
      { servers: [heard("gpu-a", T - 450), heard("gpu-b")] },
      [EPOCH, "gpu-a: silent for 450 ms"],
    ],
    [
      "not the silence of all: then it is we who hear nothing",
      {
        servers: [heard("gpu-a", T - 450), heard("gpu-b", T - 450)],
        neighbours: [heard("gpu-c", T - 450)],
      },
      [EPOCH],
    ],
    [
      "the silence of the whole group, while its neighbours are heard",
      { servers: [heard("gpu-a", T - 450), heard("gpu-b", T - 410)] },
      [EPOCH, "gpu-a: silent for 450 ms", "gpu-b: silent for 410 ms"],
    ],
  ])("%s", (_name, change, wanted) => {
    expect(reasons({ ...calm, ...change })).toEqual(wanted);
  });

  test("silence counts before the gateways act on it, and later where shorter ones ended by themselves", () => {
    expect(SIGN_SILENCE_MS).toBeLessThan(DEFAULT_HEALTH_RULES.blindAfterMs);
    const silent = { ...calm, servers: [heard("gpu-a", T - 450), heard("gpu-b")] };
    expect(reasons(silent, T, 600)).toEqual([EPOCH]);
    expect(nextSilenceMs(silent, T)).toBe(T + SIGN_SILENCE_MS);
    expect(nextSilenceMs(silent, T, 600)).toBe(T + 150);
    expect(nextSilenceMs({ ...calm, servers: [] }, T)).toBeNull();
  });
});
