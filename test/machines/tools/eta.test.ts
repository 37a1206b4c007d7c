import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { planBuilds } from "../../../src/machines/tools/build-tools.ts";
import { type BuildWork, remainingMs } from "../../../src/machines/tools/eta.ts";

const work = (packages: number, compiled: number, linkMs = 0, done = false): BuildWork => ({
  packages,
  compiled,
  linkMs,
  done,
});

describe("the time left", () => {
  test("before anything is known it is the usual pace and the links", () => {
    expect(remainingMs([work(1000, 0, 5000), work(100, 0, 1000)], 0, 100)).toBe(1100 * 100 + 6000);
  });

  test("after enough packages it is the pace of this run", () => {
    expect(remainingMs([work(1000, 500)], 250_000, 100)).toBe(500 * 500);
  });

  test("what is linked already does not slow the pace down", () => {
    const builds = [work(300, 300, 10_000, true), work(300, 0, 0)];
    expect(remainingMs(builds, 40_000, 100)).toBe(300 * 100);
  });

  test("packages that Go had compiled before do not count when a build is done", () => {
    expect(remainingMs([work(2800, 0, 15_000, true), work(76, 0, 6000)], 20_000, 100)).toBe(7600 + 6000);
  });

  test("it is a number, never negative, and 0 when all is done", () => {
    const anyWork = fc.record({
      packages: fc.nat(5000),
      compiled: fc.nat(6000),
      linkMs: fc.nat(60_000),
      done: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(anyWork, { maxLength: 8 }), fc.nat(3_600_000), (builds, elapsedMs) => {
        const left = remainingMs(builds, elapsedMs);
        expect(Number.isFinite(left) && left >= 0).toBe(true);
        expect(
          remainingMs(
            builds.map((build) => ({ ...build, done: true })),
            elapsedMs,
          ),
        ).toBe(0);
      }),
    );
  });
});

describe("the order of building", () => {
  const names = (lanes: ReturnType<typeof planBuilds>) => lanes.map((lane) => lane.map(({ name }) => name));

  test("programs of one module follow each other, two modules run at a time", () => {
    expect(names(planBuilds(["pause", "coredns", "etcd", "lws", "pulumi", "kubernetes"], true))).toEqual([
      ["kubernetes", "lws", "coredns"],
      ["etcd", "pulumi", "pause"],
    ]);
  });

  test("on little memory one build at a time", () => {
    expect(names(planBuilds(["coredns", "etcd", "kubernetes"], false))).toEqual([["kubernetes", "coredns", "etcd"]]);
  });

  test("the second of a module has the packages of the first compiled; alone it has not", () => {
    expect(planBuilds(["kubernetes", "lws"], false).flat()[1]?.work.packages).toBeLessThan(100);
    expect(planBuilds(["lws"], false).flat()[0]?.work.packages).toBeGreaterThan(1000);
  });

  test("nothing to build is no lane, and what has no build of its own is left out", () => {
    expect(planBuilds([])).toEqual([]);
    expect(planBuilds(["go", "kubectl"])).toEqual([]);
  });
});
