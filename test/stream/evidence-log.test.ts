import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Evidence, evidenceKey } from "../../src/health/evidence.ts";
import { EvidenceLog } from "../../src/stream/evidence-log.ts";

const AT = { monoMs: 1, wallMs: 2 };
const xid = (sequence: number): Evidence => ({
  kind: "kernel-log",
  line: { kind: "xid", code: 79, pci: "0000:1b:00", text: "", sequence, uptimeUs: sequence },
});
const rank = (pid: number, state: "running" | "stopped" | "exited", number = 3): Evidence => ({
  kind: "rank",
  group: "a",
  rank: number,
  pid,
  state,
});
const link = (port: number, state: "up" | "down"): Evidence => ({
  kind: "link",
  device: "mlx5_0",
  port,
  state,
  downCount: 0,
  rateGbps: 400,
});

const anyEvidence = fc.oneof(
  fc.nat(5).map(xid),
  fc.tuple(fc.nat(3), fc.constantFrom("running", "stopped", "exited")).map(([pid, state]) => rank(pid, state)),
  fc.tuple(fc.nat(3), fc.constantFrom("up", "down")).map(([port, state]) => link(port, state)),
);

describe("the log of one agent", () => {
  test("whoever resumes gets exactly what came after, or is told to begin anew", () => {
    fc.assert(
      fc.property(
        fc.array(anyEvidence, { maxLength: 60 }),
        fc.nat(70),
        fc.integer({ min: 1, max: 20 }),
        (all, from, capacity) => {
          const log = new EvidenceLog({ agent: "x", capacity });
          const frames = all.map((evidence) => log.append(evidence, AT));
          const missed = log.after("x", from);
          const gone = from > all.length || all.length - from > capacity;
          expect(missed).toEqual(gone ? null : frames.slice(from));
          expect(log.after("y", from)).toBeNull();
        },
      ),
    );
  });

  test("a snapshot says the same as the whole history", () => {
    const held = (frames: readonly { evidence: Evidence }[]) => {
      const state = new Map<string, Evidence>();
      for (const { evidence } of frames) {
        if (evidence.kind === "kernel-log") continue;
        if (evidence.kind === "rank" && evidence.state === "exited") {
          const key = evidenceKey({ ...evidence, state: "running" });
          const now = state.get(key);
          if (now?.kind === "rank" && now.pid === evidence.pid) state.delete(key);
        } else state.set(evidenceKey(evidence), evidence);
      }
      return new Map([...state].sort());
    };
    fc.assert(
      fc.property(fc.array(anyEvidence, { maxLength: 80 }), (all) => {
        const log = new EvidenceLog({ agent: "x", capacity: 1 });
        const frames = all.map((evidence) => log.append(evidence, AT));
        const snapshot = log.snapshot();
        expect(held(snapshot)).toEqual(held(frames));
        const events = (list: readonly { evidence: Evidence }[]) =>
          list.filter(
            ({ evidence }) => evidence.kind === "kernel-log" || ("state" in evidence && evidence.state === "exited"),
          );
        expect(events(snapshot)).toEqual(events(frames));
        expect(snapshot.map(({ seq }) => seq)).toEqual(snapshot.map(({ seq }) => seq).toSorted((a, b) => a - b));
        // A subscriber that was cut off in the middle of a snapshot resumes from the number it has.
        expect(snapshot.at(-1)?.seq ?? 0).toBe(log.seq);
      }),
    );
  });

  test("a rank that ended is not running, also when its exit is forgotten", () => {
    const log = new EvidenceLog({ agent: "x", events: 2 });
    for (const evidence of [rank(7, "running"), rank(7, "exited"), xid(1), xid(2), xid(3)]) log.append(evidence, AT);
    expect(log.snapshot().map(({ evidence }) => evidence)).toEqual([xid(2), xid(3)]);
  });

  test("the exit of an earlier process leaves the present one", () => {
    const log = new EvidenceLog({ agent: "x" });
    for (const evidence of [rank(7, "running"), rank(8, "running"), rank(7, "exited")]) log.append(evidence, AT);
    expect(log.snapshot().map(({ evidence }) => evidence)).toEqual([rank(8, "running"), rank(7, "exited")]);
  });

  test("two lines with one number of the kernel are two lines", () => {
    const log = new EvidenceLog({ agent: "x" });
    log.append(xid(1), AT);
    log.append(xid(1), AT);
    expect(log.snapshot()).toHaveLength(2);
  });
});
