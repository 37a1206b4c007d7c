import { expect } from "vitest";
import { quarantineOf } from "../../src/reconciler/observe/records.ts";
import type { Write } from "../kube/memory-api.ts";
import { paths, Stage } from "./stage.ts";
import { test } from "./stage-test.ts";

/** Stories at a time: the time limits in them are real. */
const AT_A_TIME = 12;

const isStep = ({ path }: Pick<Write, "path">) => !/\/(leases|events|drills)/.test(path);
const isOut = (stage: Stage, name: string) => {
  const node = stage.api.get(paths.node(name));
  return node !== undefined && quarantineOf(node) !== null;
};

/** One story on a stage of its own, which ends with it; answers how many steps `r1` took. */
async function story(at: number, when: "before" | "after"): Promise<number> {
  const stage = await Stage.open();
  try {
    return await tell(stage, at, when);
  } finally {
    await stage.close();
  }
}

/** The power of gpu-a is cut; `r1` is killed with its write number `at` after that, and `r2` carries on. */
async function tell(stage: Stage, at: number, when: "before" | "after"): Promise<number> {
  stage.reconciler("r1");
  await stage.until("both groups serve", () => stage.condition("Redundant") === "True");
  // The second replica hears all that the first hears, and only looks on.
  stage.reconciler("r2");
  await stage.until("the second one listens", () => stage.servers.get("gpu-a")?.listeners === 2);
  let steps = 0;
  const count = (client: string, write: { method: string; path: string }) => {
    if (client !== "r1" || write.method === "GET" || !isStep(write)) return;
    steps += 1;
    if (steps !== at) return;
    stage.kill("r1");
  };
  if (when === "before") {
    stage.api.intercept = async (request) => {
      count(request.client, request);
      return false;
    };
  } else {
    stage.api.answered = async (write) => count(write.client, write);
  }
  const before = stage.api.writes.length;
  stage.cutPower("gpu-a", "b");
  // Redundant may still be true of before: the word has moved, and the dead server came back.
  await stage.until(
    `redundant again (killed ${when} write ${at})`,
    () =>
      stage.service.status?.epoch === 2 &&
      !isOut(stage, "gpu-a") &&
      stage.condition("Redundant") === "True" &&
      booted(stage),
    90_000,
  );
  const since = stage.api.writes.slice(before);
  const words = `killed ${when} write ${at}: ${since.map(({ client, method, path }) => `${client} ${method} ${path.split("/").at(-1)}`).join(", ")}`;
  expect(stage.service.status, words).toMatchObject({ active: "b", epoch: 2 });
  expect(stage.service.status?.moves, words).toHaveLength(1);
  // Nobody touches the group that serves, but for the stamp of a new term.
  const onOther = since.filter(
    ({ path, body }) => path.endsWith("sglang-b") && !/tandem.dev\/term/.test(JSON.stringify(body)),
  );
  expect(onOther, words).toEqual([]);
  const others = since.filter(
    ({ path, body }) => /gpu-[bcd]$/.test(path) && !/tandem.dev\/term/.test(JSON.stringify(body)),
  );
  expect(others, words).toEqual([]);
  const starts = since.filter(({ path, body }) => path.endsWith("sglang-a") && Object(body).spec?.replicas === 1);
  expect(starts.length, words).toBeLessThanOrEqual(2);
  return steps;
}

const booted = (stage: Stage) => stage.servers.get("gpu-a")?.boots === 1;

test.concurrent("killed with every single write of a rebuild, before and after it is taken: the next one carries on", async () => {
  const steps = await story(0, "after");
  expect(steps).toBeGreaterThan(10);
  const runs = (["before", "after"] as const).flatMap((when) =>
    Array.from({ length: steps }, (_, index) => ({ at: index + 1, when })),
  );
  const next = async (): Promise<void> => {
    for (let run = runs.shift(); run !== undefined; run = runs.shift()) await story(run.at, run.when);
  };
  // All of them end before the test does, also when one has failed.
  const lanes = await Promise.allSettled(Array.from({ length: AT_A_TIME }, next));
  for (const lane of lanes) if (lane.status === "rejected") throw lane.reason;
}, 600_000);

test.concurrent("a leader that stood still past its lease cannot write what it decided before", async ({ served }) => {
  const stage = await served();
  stage.reconciler("r2");
  await stage.until("the second one listens", () => stage.servers.get("gpu-a")?.listeners === 2);
  // Its write of the quarantine is on its way, and the process that sent it is stopped: so are its renewals.
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  let late: Write | undefined;
  stage.api.intercept = async (request, response) => {
    if (request.client !== "r1") return false;
    if (late !== undefined && request !== late) {
      response.destroy();
      return true;
    }
    if (request.method !== "PATCH" || !request.path.endsWith("/gpu-a")) return false;
    late = request as Write;
    await held;
    return false;
  };
  stage.cutPower("gpu-a", "b");
  await stage.until("the write is on its way", () => late !== undefined);
  await stage.until(
    "another leads",
    () => stage.api.get(paths.node("gpu-c"))?.metadata.annotations?.["tandem.dev/term"] === "1",
  );
  const version = stage.api.get(paths.node("gpu-a"))?.metadata.resourceVersion;
  expect(Object(late?.body).metadata.resourceVersion).not.toBe(version);
  const before = stage.api.writes.length;
  release();
  await stage.until("the new one has done it", () => isOut(stage, "gpu-a"));
  expect(stage.api.writes.slice(before).filter(({ client }) => client === "r1")).toEqual([]);
  await stage.until(
    "redundant again",
    () => booted(stage) && stage.condition("Redundant") === "True" && !isOut(stage, "gpu-a"),
    90_000,
  );
}, 150_000);
