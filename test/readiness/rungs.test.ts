import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  compareAnswers,
  type GoldenAnswer,
  makesSense,
  noiseOf,
  toleranceOf,
} from "../../src/failover/readiness/answers.ts";
import { flagsRung, imageRung, podsRung } from "../../src/failover/readiness/engine-rungs.ts";
import type { GroupFacts, PodFacts } from "../../src/failover/readiness/facts.ts";
import { longPrompt } from "../../src/failover/readiness/golden-prompts.ts";
import {
  type Ladder,
  noTakeover,
  noted,
  RUNGS,
  sameTakeover,
  takeoverOf,
} from "../../src/failover/readiness/ladder.ts";
import { DEFAULT_READINESS_RULES as RULES } from "../../src/failover/readiness/rules.ts";
import { clocksRung, gpusRung, serversRung } from "../../src/failover/readiness/server-rungs.ts";
import { speedVerdict } from "../../src/failover/readiness/speed.ts";
import { kernelsRung, roomRung, weightsRung } from "../../src/failover/readiness/storage-rungs.ts";
import type { Evidence } from "../../src/health/evidence.ts";
import { hearEvidence, hearHello } from "../../src/health/hear.ts";
import { unheard } from "../../src/health/server-evidence.ts";

const sha = (letter: string) => `sha256:${letter.repeat(64)}`;
const pod = (index: number, more: Partial<PodFacts> = {}): PodFacts => ({
  name: `pod-${index}`,
  uid: `u${index}`,
  server: `s${index}`,
  index,
  ready: true,
  image: `sglang@${sha("a")}`,
  imageId: `sglang@${sha("a")}`,
  args: ["-m", "sglang.launch_server"],
  ...more,
});

function group(id: string, told: Evidence[][] = [[], []], more: Partial<GroupFacts> = {}): GroupFacts {
  return {
    id,
    revision: "r1",
    engine: "http://x",
    servers: told.map((pieces, at) => {
      const hello = {
        bootId: "b",
        agent: "x",
        heartbeatMs: 250,
        start: "snapshot" as const,
        seq: pieces.length,
        monoMs: 0,
      };
      let evidence = hearHello(unheard(`${id}${at}`), hello, 1_000);
      pieces.forEach((piece, seq) => {
        evidence = hearEvidence(evidence, { seq: seq + 1, monoMs: 0, evidence: piece }, 1_000);
      });
      return { evidence, clockAheadMs: 0 };
    }),
    pods: [pod(0), pod(1)],
    ...more,
  };
}

const folder = (name: "weights" | "kernel-cache", more: object = {}): Evidence => ({
  kind: "folder",
  folder: name,
  path: "/x",
  state: "complete",
  files: 10,
  bytes: 1_000,
  digest: "d1",
  detail: "",
  ...more,
});

describe("weights and compiled kernels", () => {
  const whole = [[folder("weights")], [folder("weights")]];
  test.each<[string, Evidence[][], Evidence[][], boolean, RegExp]>([
    ["the same everywhere", whole, whole, true, /10 files of 1000 bytes, the same everywhere/],
    ["nobody watches", [[], []], [[], []], true, /no agent watches/],
    ["one has not told yet", [[], [folder("weights")]], whole, false, /b0 has not told/],
    [
      "another size",
      [[folder("weights", { digest: "d2" })], [folder("weights")]],
      whole,
      false,
      /weights of b0 are not those/,
    ],
    ["empty, and the active group is not", [[folder("weights", { files: 0 })], []], whole, false, /b0: \/x is empty/],
    [
      "no files anywhere (emulated)",
      [[folder("weights", { files: 0 })], [folder("weights", { files: 0 })]],
      [[folder("weights", { files: 0 })], [folder("weights", { files: 0 })]],
      true,
      /no server keeps weights/,
    ],
    [
      "a shard is missing",
      [[folder("weights", { state: "broken", detail: "shard 3 is not there" })], [folder("weights")]],
      whole,
      false,
      /b0: shard 3/,
    ],
  ])("weights: %s", (_name, mine, theirs, ok, says) => {
    expect(weightsRung(group("b", mine), group("a", theirs))).toEqual({ ok, detail: expect.stringMatching(says) });
  });

  test("another revision may have another model: then its own servers are compared", () => {
    const mine = group("b", [[folder("weights", { digest: "n" })], [folder("weights", { digest: "n" })]], {
      revision: "r2",
    });
    expect(weightsRung(mine, group("a", whole)).ok).toBe(true);
  });

  test.each<[number, number, boolean]>([
    [100, 100, true],
    [50, 100, true],
    [49, 100, false],
    [0, 0, true],
    [0, 1, false],
  ])("%i kernels where the active group has %i", (mine, theirs, ok) => {
    const with_ = (files: number) => [[folder("kernel-cache", { files })], [folder("kernel-cache", { files })]];
    expect(kernelsRung(group("b", with_(mine)), group("a", with_(theirs)), RULES).ok).toBe(ok);
  });
});

describe("room and clocks", () => {
  const disk = (freeBytes: number): Evidence => ({ kind: "disk", path: "/", freeBytes, totalBytes: 2 ** 40 });
  const memory = (availableBytes: number): Evidence => ({ kind: "memory", availableBytes, totalBytes: 2 ** 40 });
  test.each<[string, Evidence, boolean]>([
    ["a disk with room", disk(2 ** 35), true],
    ["a full disk", disk(2 ** 30), false],
    ["memory", memory(2 ** 35), true],
    ["no memory", memory(2 ** 29), false],
  ])("%s", (_name, piece, ok) => {
    expect(roomRung(group("b", [[piece], []]), { standby: null, active: null }, RULES).ok).toBe(ok);
  });

  test.each<[number, number, boolean]>([
    [400_000, 400_000, true],
    [392_000, 400_000, true],
    [300_000, 400_000, false],
  ])("GPU memory for %i tokens of %i", (mine, theirs, ok) => {
    const engines = { standby: { max_total_num_tokens: mine }, active: { max_total_num_tokens: theirs } };
    expect(roomRung(group("b"), engines, RULES).ok).toBe(ok);
  });

  test.each<[number | null, boolean]>([
    [null, true],
    [1_999, true],
    [-1_999, true],
    [2_001, false],
    [-2_001, false],
  ])("a clock %s ms ahead", (aheadMs, ok) => {
    const facts = group("b");
    const servers = facts.servers.map((server) => ({ ...server, clockAheadMs: aheadMs }));
    expect(clocksRung({ ...facts, servers }, RULES).ok).toBe(ok);
  });
});

describe("servers and GPUs", () => {
  test("a server that was never heard, and one that is silent", () => {
    const never = group("b");
    expect(serversRung({ ...never, servers: [{ evidence: unheard("b0"), clockAheadMs: null }] }, 1_000)).toMatchObject({
      ok: false,
      detail: "b0 was never heard",
    });
    expect(serversRung(group("b"), 1_000).ok).toBe(true);
    // Beats come four times a second; a busy computer holds some back.
    expect(serversRung(group("b"), 4_000).ok).toBe(true);
    expect(serversRung(group("b"), 4_001).ok).toBe(false);
    expect(serversRung({ ...never, servers: [] }, 1_000).ok).toBe(false);
  });

  test("GPUs that were not told are not there", () => {
    expect(gpusRung(group("b"), 1_000)).toMatchObject({
      ok: false,
      detail: expect.stringContaining("has not told of its GPUs"),
    });
  });
});

describe("pods, images, arguments", () => {
  test("as many pods as servers, all ready", () => {
    expect(podsRung(group("b")).ok).toBe(true);
    expect(podsRung(group("b", [[], []], { pods: [pod(0)] })).ok).toBe(false);
    expect(podsRung(group("b", [[], []], { pods: [pod(0), pod(1, { ready: false })] }))).toMatchObject({
      ok: false,
      detail: "pod pod-1 on s1 is not ready",
    });
  });

  test.each<[string, Partial<PodFacts>, string, boolean]>([
    ["the same digest", {}, "r1", true],
    ["another digest", { imageId: `x@${sha("b")}` }, "r1", false],
    ["no digest yet", { imageId: null }, "r1", false],
    ["another digest in one pod of another revision", { imageId: `x@${sha("b")}` }, "r2", false],
  ])("image: %s", (_name, more, revision, ok) => {
    const mine = group("b", [[], []], { pods: [pod(0), pod(1, more)], revision });
    expect(imageRung(mine, group("a")).ok).toBe(ok);
  });

  test("a whole group of another revision may run another image", () => {
    const pods = [pod(0, { imageId: `x@${sha("c")}` }), pod(1, { imageId: `x@${sha("c")}` })];
    expect(imageRung(group("b", [[], []], { pods, revision: "r2" }), group("a")).ok).toBe(true);
  });

  const info = { version: "0.5.23", tp_size: 16, host: "1", node_rank: 0, api_key: "SECRET-1", random_seed: 42 };
  test.each<[string, object, boolean, RegExp]>([
    ["the same", {}, true, /are those of the active group/],
    ["what differs by nature", { host: "2", node_rank: 5, dist_init_addr: "z" }, true, /are those/],
    ["a flag", { tp_size: 8 }, false, /--tp-size is 8, on the active group 16/],
    ["the version", { version: "0.5.24" }, false, /SGLang 0.5.24/],
    [
      "a key, which is never shown",
      { api_key: "SECRET-2" },
      false,
      /^--api-key is another one than on the active group$/,
    ],
  ])("arguments: %s", (_name, more, ok, says) => {
    const verdict = flagsRung(group("b"), group("a"), { standby: { ...info, ...more }, active: info });
    expect(verdict).toEqual({ ok, detail: expect.stringMatching(says) });
    expect(verdict.detail).not.toContain("SECRET");
  });

  test("a worker's pod with other arguments, which no endpoint tells", () => {
    const mine = group("b", [[], []], {
      pods: [pod(0), pod(1, { args: ["-m", "sglang.launch_server", "--disable-radix-cache"] })],
    });
    expect(flagsRung(mine, group("a"), { standby: info, active: info })).toMatchObject({
      ok: false,
      detail: expect.stringContaining("--disable-radix-cache"),
    });
  });
});

describe("golden answers", () => {
  const answer = (more: Partial<GoldenAnswer> = {}): GoldenAnswer => ({
    ids: [1, 2, 3],
    logprobs: [-0.1, -0.2, -0.3],
    gaps: [2, 2, 2],
    prompt: [-2, -1],
    ms: 10,
    ...more,
  });
  test.each<[string, Partial<GoldenAnswer>, Partial<GoldenAnswer>, boolean]>([
    ["the same", {}, {}, true],
    ["noise", {}, { logprobs: [-0.13, -0.2, -0.27] }, true],
    ["one token far off", {}, { logprobs: [-0.1, -0.9, -0.3] }, false],
    ["the prompt is predicted otherwise", {}, { prompt: [-2, -3] }, false],
    ["another token, where the first was sure", {}, { ids: [1, 9, 3] }, false],
    [
      "another token, where both were as good: what follows says nothing",
      { gaps: [2, 0.01, 2] },
      { ids: [1, 9, 77], logprobs: [-0.1, -0.2, -5] },
      true,
    ],
    ["no numbers", {}, { logprobs: [Number.NaN, 0, 0] }, false],
    ["nothing", {}, { ids: [], logprobs: [] }, false],
  ])("%s", (_name, reference, other, ok) => {
    expect(compareAnswers(answer(reference), answer(other), 0.1).ok).toBe(ok);
  });

  test("the tolerance follows the noise, within its bounds", () => {
    expect(toleranceOf(0, true, RULES)).toBe(RULES.toleranceFloor);
    expect(toleranceOf(0.05, true, RULES)).toBeCloseTo(0.2);
    expect(toleranceOf(0.05, false, RULES)).toBeCloseTo(0.4);
    expect(toleranceOf(9, true, RULES)).toBe(RULES.toleranceCeiling);
  });

  test("noise that was measured never makes its own repeats differ", () => {
    const list = fc.array(fc.double({ min: -3, max: 0, noNaN: true }), { minLength: 3, maxLength: 3 });
    fc.assert(
      fc.property(
        list,
        fc.array(fc.double({ min: -0.1, max: 0.1, noNaN: true }), { minLength: 3, maxLength: 3 }),
        (logprobs, shift) => {
          const first = answer({ logprobs });
          const second = answer({ logprobs: logprobs.map((value, at) => value + (shift[at] ?? 0)) });
          return compareAnswers(first, second, toleranceOf(noiseOf([first], [second]), true, RULES)).ok;
        },
      ),
    );
  });

  test("plain English that surprises a model is a sign of wrong weights", () => {
    expect(makesSense([answer()], RULES).ok).toBe(true);
    expect(makesSense([answer({ prompt: [-11.8, -11.9] })], RULES)).toMatchObject({
      ok: false,
      detail: expect.stringContaining("weights are wrong"),
    });
    expect(makesSense([answer({ prompt: [] })], RULES).ok).toBe(false);
  });

  test.each<[number, number | null, boolean]>([
    [25, null, true],
    [25, 24, true],
    [46, 24, true],
    [48, 24, false],
    [6_000, null, false],
  ])("%i ms a token where %s is the best", (msPerToken, best, ok) => {
    const known = best === null ? null : { msPerToken: best, prefillMsPer1000: null };
    expect(speedVerdict({ msPerToken, prefillMsPer1000: null }, known, 5_000, RULES).ok).toBe(ok);
  });

  test.each([100, 4_096, 32_768])(
    "a long prompt of %i tokens has about four characters for each, and its salt first",
    (tokens) => {
      const text = longPrompt(tokens, "S");
      expect(text.startsWith("Report S. ")).toBe(true);
      expect(text.length).toBeGreaterThan(tokens * 4 - 20);
      expect(text.length).toBeLessThanOrEqual(tokens * 4);
    },
  );
});

describe("the ladder", () => {
  const all = (atMs: number): Ladder =>
    RUNGS.reduce<Ladder>((ladder, { name }) => noted(ladder, name, { ok: true, detail: "well" }, atMs), {});
  test("every rung, in time: yes", () => {
    expect(takeoverOf(all(1_000), "b", 2_000)).toMatchObject({ ready: true, reasons: [] });
  });

  test.each(RUNGS.map(({ name, validForMs }): [string, number] => [name, validForMs]))(
    "%s counts for %i ms, and then no more",
    (name, validForMs) => {
      const late = RUNGS.reduce<Ladder>(
        (ladder, rung) => noted(ladder, rung.name, { ok: true, detail: "well" }, rung.name === name ? 0 : validForMs),
        {},
      );
      expect(takeoverOf(late, "b", validForMs).ready).toBe(true);
      const status = takeoverOf(late, "b", validForMs + 1);
      expect(status.ready).toBe(false);
      expect(status.reasons).toEqual([expect.stringContaining(`b, ${name}: not proved for`)]);
    },
  );

  test("what is wrong is told before what could not be tried because of it; when it last held is kept", () => {
    const { answers: _, ...rest } = all(1_000);
    const status = takeoverOf(noted(rest, "links", { ok: false, detail: "port down" }, 2_000), "b", 2_000);
    expect(status).toMatchObject({ ready: false, reasons: ["b, links: port down"] });
    expect(status.rungs.find(({ name }) => name === "links")).toMatchObject({
      ok: false,
      provenAt: new Date(1_000).toISOString(),
    });
  });

  test("before anything is proved it is a no, with the reason", () => {
    expect(takeoverOf({}, "b", 0)).toMatchObject({ ready: false, reasons: ["b, servers: not proved yet"] });
    expect(noTakeover("no group stands by")).toMatchObject({ ready: false, reasons: ["no group stands by"] });
  });

  test("times alone are no change", () => {
    expect(sameTakeover(takeoverOf(all(1_000), "b", 1_000), takeoverOf(all(2_000), "b", 2_000))).toBe(true);
    expect(sameTakeover(takeoverOf(all(1_000), "b", 1_000), takeoverOf(all(1_000), "b", 1_000_000))).toBe(false);
  });
});
