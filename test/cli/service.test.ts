import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { tandem } from "../support/cli.ts";
import { FakeService, HEALTHY } from "./fake-service.ts";

let service: FakeService;
beforeEach(async () => {
  service = await FakeService.start();
});
afterEach(() => service.close());

const run = (...args: string[]) => tandem([...args, ...service.access]);
/** A reconciler that does what is asked: it decides, moves, and says so. */
const obey = () => {
  service.onSpec = ({ spec }) => {
    const request = spec.request;
    if (request === undefined) return;
    service.change(({ status }) => {
      if (status === undefined) return;
      status.decision = { kind: "act", reason: "asked", detail: `${request.target} can take over`, since: request.at };
    });
    setTimeout(() => service.handle("done", `epoch 8, ${request.target} is active`), 50);
  };
};

describe("tandem switchover", () => {
  test("asks, shows what the reconciler does, and ends with its word", async () => {
    obey();
    const { exitCode, stdout, stderr } = await run("switchover", "--yes");
    expect({ exitCode, stdout: stdout.replace(/\d+(\.\d+)? s/, "N s") }).toEqual({
      exitCode: 0,
      stdout: "b serves (N s): epoch 8, b is active",
    });
    expect(stderr).toContain("act asked: b can take over");
    const [patch] = service.patches;
    expect(patch?.query.get("fieldManager")).toBe("tandem-cli");
    expect(patch?.headers["content-type"]).toBe("application/merge-patch+json");
    // Nothing but the request is written, and only over what was read.
    expect(patch?.body).toEqual({
      metadata: { uid: "u", resourceVersion: "100" },
      spec: {
        request: {
          id: expect.any(String),
          kind: "switchover",
          target: "b",
          by: expect.stringMatching(/.+@.+/),
          at: expect.any(String),
        },
      },
    });
  });

  test("--output json says the outcome", async () => {
    obey();
    const { exitCode, stdout } = await run("switchover", "--to", "b", "--yes", "--output", "json");
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      outcome: "done",
      request: { kind: "switchover", target: "b" },
      detail: "epoch 8, b is active",
    });
  });

  test("--dry-run writes nothing, and prints steps, expected times and each group", async () => {
    const { exitCode, stdout } = await run("switchover", "--dry-run");
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/a serves; traffic would go to b/);
    expect(stdout).toMatch(/b +yes/);
    expect(stdout).toMatch(/2 +move +2 s +new requests go to b, epoch 8/);
    expect(stdout).toContain("nothing was changed");
    expect(service.patches).toEqual([]);
  });

  test.each<[string, (live: FakeService) => void, string[], RegExp]>([
    [
      "a standby that is not ready, with its reason",
      (live) =>
        live.change(({ status }) => {
          if (status !== undefined)
            status.takeover = { ready: false, reasons: ["b, weights: gpu-d: shard 3 of 8 is not there"], rungs: [] };
        }),
      ["switchover", "--yes"],
      /stays on a: group b cannot take over: b, weights: gpu-d: shard 3/,
    ],
    [
      "while somebody has paused the automation",
      (live) =>
        live.change(({ spec }) => {
          spec.pause = { by: "kim@desk", at: "2026-01-01T00:00:00Z", reason: "firmware" };
        }),
      ["switchover", "--yes"],
      /paused by kim@desk: firmware\n +fix: run: tandem resume/,
    ],
    [
      "a group that is not there",
      () => {},
      ["switchover", "--to", "z", "--yes"],
      /there is no group z\n +fix: name one of a, b/,
    ],
    [
      "while another request stands",
      (live) =>
        live.change(({ spec }) => {
          spec.request = { id: "x", kind: "drain", target: "gpu-d", by: "kim@desk", at: "2026-01-01T00:00:00Z" };
        }),
      ["switchover", "--yes"],
      /busy with another request: kim@desk asked for drain gpu-d/,
    ],
    [
      "without a terminal and without --yes",
      () => {},
      ["switchover"],
      /there is no terminal to ask on\n +fix: run it again with --yes/,
    ],
    [
      "an order to a healthy group",
      () => {},
      ["failover", "--to", "b"],
      /it serves and nothing is against it.*\n.*tandem switchover --to b/,
    ],
    ["an order without a group", () => {}, ["failover"], /no group was named/],
    [
      "a rebuild of the group that has the traffic",
      () => {},
      ["failover", "--rebuild", "a"],
      /traffic goes to it\n +fix: first: tandem switchover --to b/,
    ],
    [
      "a server that is not there",
      () => {},
      ["server", "drain", "gpu-x"],
      /there is no server gpu-x\n +fix: name one of gpu-a/,
    ],
  ])("refused with 1, and nothing written: %s", async (_name, plant, args, expected) => {
    plant(service);
    const { exitCode, stderr } = await run(...args);
    expect(stderr).toMatch(expected);
    expect(exitCode).toBe(1);
    expect(service.patches).toEqual([]);
  });

  test("the reconciler refuses: 1, with its reason", async () => {
    service.onSpec = () => service.handle("refused", "b: gpu-c is not heard");
    const { exitCode, stdout } = await run("switchover", "--yes");
    expect({ exitCode, stdout }).toEqual({
      exitCode: 1,
      stdout: "refused, nothing was changed: b: gpu-c is not heard",
    });
  });

  test("no word in time: 3, and the command that shows how it ends", async () => {
    const { exitCode, stdout } = await run("switchover", "--yes", "--timeout", "1");
    expect(exitCode).toBe(3);
    expect(stdout).toContain("not known yet: switchover b goes on without this command");
    expect(stdout).toContain("tandem explain decision --stack prod");
  });

  test("Ctrl-C ends the wait, says what goes on, and the same command again waits for the same request", async () => {
    const main = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
    const child = spawn(process.execPath, [main, "switchover", "--yes", ...service.access], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let stdout = "";
    child.stdout.on("data", (text) => {
      stdout += text;
    });
    // The first line of progress comes when the request is written and the wait has begun.
    await once(child.stderr, "data");
    child.kill("SIGINT");
    const [code] = await once(child, "exit");
    expect({ code, stdout }).toEqual({
      code: 3,
      stdout: expect.stringContaining("goes on without this command (this command was stopped"),
    });
    const id = service.spec.request?.id;
    service.onWatch = () => service.handle("done", "epoch 8");
    const { exitCode } = await run("switchover", "--yes");
    expect(exitCode).toBe(0);
    expect(service.patches).toHaveLength(1);
    expect(service.spec.request?.id).toBe(id);
  });

  test("somebody else writes in between: what was read is read anew, and refused if it is so no more", async () => {
    let first = true;
    const answer = service.change.bind(service);
    // The status moves between read and write, as it does every second on a live cluster.
    const timer = setInterval(() => {
      if (first && service.patches.length === 0) answer(() => {});
      else first = false;
    }, 5);
    obey();
    const { exitCode } = await run("switchover", "--yes");
    clearInterval(timer);
    expect(exitCode).toBe(0);
  });
});

describe("orders that are done", () => {
  test("failover away from a broken group", async () => {
    service.change(({ status }) => {
      const [a] = status?.groups ?? [];
      if (a !== undefined) Object.assign(a, { verdict: "suspect", reason: "gpu-b, gpu 3: off the bus [xid-79]" });
    });
    obey();
    expect(await run("failover", "--to", "b")).toMatchObject({ exitCode: 0 });
    expect(service.spec.request).toMatchObject({ kind: "failover", target: "b" });
  });

  test.each<[string[], string, string]>([
    [["failover", "--rebuild", "b"], "rebuild", "b"],
    [["server", "drain", "gpu-c"], "drain", "gpu-c"],
    [["server", "return", "gpu-c"], "return", "gpu-c"],
  ])("%j", async (args, kind, target) => {
    obey();
    expect(await run(...args)).toMatchObject({ exitCode: 0 });
    expect(service.spec.request).toMatchObject({ kind, target });
  });
});

describe("pause and resume", () => {
  const show = () => {
    service.onSpec = ({ spec }) =>
      service.change(({ status }) => {
        if (status === undefined) return;
        const state = spec.pause === undefined ? ("False" as const) : ("True" as const);
        status.conditions = [
          { type: "Paused", status: state, reason: "x", message: "", lastTransitionTime: "2026-01-01T00:00:00Z" },
        ];
      });
  };

  test("a pause carries name, time and reason; a second one leaves it to the first; resume takes it away", async () => {
    show();
    expect(await run("pause", "--reason", "switch firmware")).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/^paused by .+@.+ at .+: switch firmware$/),
    });
    const { pause } = service.spec;
    expect(await run("pause", "--reason", "mine too")).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining("switch firmware"),
    });
    expect(service.spec.pause).toEqual(pause);
    expect(await run("resume")).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/^resumed; it was paused by .+@/),
    });
    expect(service.spec.pause).toBeUndefined();
    expect(await run("resume")).toMatchObject({ exitCode: 0, stdout: "it was not paused" });
  });
});

describe("what is shown", () => {
  test("history, newest first", async () => {
    const { stdout, exitCode } = await run("history");
    expect(exitCode).toBe(0);
    expect(stdout.split("\n").map((line) => line.trim())).toEqual([
      expect.stringMatching(/^WHEN +MOVE +EPOCH +KIND +WHY$/),
      expect.stringMatching(/^2026-01-02T00:00:00Z +a -> b +7 +the gateways moved first, on a fault/),
      "gpu-b fell off the bus",
      expect.stringMatching(/^2026-01-01T00:00:00Z +b -> a +6 +planned/),
      "kim asked for it",
    ]);
    const json = await run("history", "--output", "json");
    expect(JSON.parse(json.stdout)).toEqual({ active: "a", epoch: 7, moves: HEALTHY.moves.toReversed() });
  });

  test("explain decision: what stops it comes first, then every group and server", async () => {
    service.change(({ spec, status }) => {
      spec.pause = { by: "kim@desk", at: "2026-01-01T00:00:00Z", reason: "firmware" };
      if (status !== undefined)
        status.decision = {
          kind: "escalate",
          reason: "not-fenced",
          detail: "gpu-a: a rank runs",
          fix: "start it anew",
          since: "2026-01-01T00:00:00Z",
        };
    });
    const { stdout, exitCode } = await run("explain", "decision");
    expect(exitCode).toBe(0);
    expect(stdout.split("\n")[0]).toMatch(/^PAUSED by kim@desk .*: firmware$/);
    expect(stdout).toMatch(/escalate not-fenced/);
    expect(stdout).toContain("to do: start it anew");
    expect(stdout).toMatch(/gpu-d +b +healthy/);
  });

  test("explain group and server; an unknown one names those there are", async () => {
    expect((await run("explain", "group", "b")).stdout).toMatch(
      /group b is standby, serving on gpu-c, gpu-d[\s\S]*yes +answers/,
    );
    expect((await run("explain", "server", "gpu-a")).stdout).toContain("server gpu-a is in group a");
    const none = await run("explain", "server", "gpu-x");
    expect(none.exitCode).toBe(1);
    expect(none.stderr).toContain("gpu-a, gpu-b, gpu-c, gpu-d");
  });
});

describe("who may not, and what is not there", () => {
  test("a missing right is named, and who has it", async () => {
    service.forbidden =
      'modelservices.tandem.dev "prod" is forbidden: User "jane" cannot patch resource "modelservices" in API group "tandem.dev" in the namespace "tandem-prod"';
    const { exitCode, stderr } = await run("pause");
    expect(exitCode).toBe(1);
    expect(stderr).toContain('user "jane" has no right to patch modelservices.tandem.dev in namespace tandem-prod');
    expect(stderr).toContain("tandem:prod:operators");
  });

  test("an API server that is away", async () => {
    await service.close();
    const { exitCode, stderr } = await run("history");
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/kubeconfig .* cannot be read/);
  });

  test.each(["switchover", "failover", "pause", "resume", "history", "server"])(
    "%s --help has examples",
    async (name) => {
      const { exitCode, stdout } = await tandem([name, "--help"]);
      expect(exitCode).toBe(0);
      expect(stdout).toContain("Examples:\n  tandem ");
    },
  );
});
