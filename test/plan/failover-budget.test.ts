import { describe, expect, test } from "vitest";
import { DEFAULT_TIMING, stallAfter } from "../../src/failover/choose/timing.ts";
import { failoverBudget, prefillSeconds } from "../../src/plan/failover-budget.ts";
import { planned, refused, specOf } from "./good-spec.ts";

describe("the failover budget", () => {
  test("every class is the sum of its chain", () => {
    const { budget } = planned();
    expect(budget.map((row) => row.class)).toEqual(["fatal-xid", "process-exit", "server-lost", "engine-hang"]);
    for (const { seconds, chain } of budget)
      expect(seconds).toBeCloseTo(
        chain.reduce((sum, step) => sum + step.seconds, 0),
        2,
      );
  });

  test("it uses the gateway's own limits of suspicion", () => {
    for (const contextLength of [8192, 65_536, 163_840]) {
      const spec = specOf({ "model.contextLength": contextLength });
      const step = (name: string) => failoverBudget(spec).find((row) => row.class === name)?.chain[0]?.seconds ?? 0;
      expect(step("server-lost") * 1000).toBeCloseTo(DEFAULT_TIMING.silentAfterMs);
      expect(step("engine-hang") * 1000).toBeCloseTo(stallAfter(prefillSeconds(spec) * 1000), 0);
    }
  });

  test("a standby that must load first takes minutes", () => {
    const row = failoverBudget(specOf({ "failover.standby": "spare" })).find((one) => one.class === "server-lost");
    expect(row?.seconds).toBeGreaterThan(600);
  });

  test.each<[string, Record<string, unknown>, string, string]>([
    ["misspelt", { "failover.targets": { "fatal-xdi": 2 } }, "E_PLAN_TARGET_CLASS", "write fatal-xid"],
    ["no gateway", { gateway: undefined, "failover.targets": { "fatal-xid": 2 } }, "E_PLAN_TARGET", "add gateway"],
  ])("a target that is %s is refused with what to change", (_name, changes, code, fix) => {
    const [found] = refused(changes).filter((one) => one.path[0] === "failover");
    expect(found).toMatchObject({ code, fix: expect.stringContaining(fix) });
  });

  const wide = { "model.contextLength": 163_840 };
  test.each<[string, string, number, Record<string, unknown>, RegExp]>([
    [
      "below what any setting reaches",
      "engine-hang",
      2,
      {},
      /^no setting brings engine-hang below 5.07 s: set failover/,
    ],
    ["below a silence", "server-lost", 0.5, wide, /^no setting brings server-lost below 0.67 s: set failover/],
    [
      "below a prefill",
      "fatal-xid",
      2,
      wide,
      /a setting changes is prefill of a full context: change model.contextLength/,
    ],
    ["below three prefills", "engine-hang", 8, wide, /is no token while requests wait: change model.contextLength/],
    [
      "below a load",
      "server-lost",
      60,
      { "failover.standby": "spare" },
      /is load of the model: change failover.standby/,
    ],
  ])(
    "a target %s is refused with the setting, and with the least that this spec meets",
    (_name, target, wanted, changes, fix) => {
      const at = (seconds: number) => ({ ...changes, "failover.targets": { [target]: seconds } });
      const [found] = refused(at(wanted)).filter((one) => one.path[0] === "failover");
      expect(found?.fix).toMatch(fix);
      const [, least] = new RegExp(`set failover.targets.${target} to ([\\d.]+) or more$`).exec(found?.fix ?? "") ?? [];
      expect(planned(at(Number(least))).budget).toHaveLength(4);
      expect(refused(at(Number(least) - 0.01)).map(({ code }) => code)).toEqual(["E_PLAN_TARGET"]);
    },
  );

  test("a target that can be met is taken", () => {
    expect(planned({ "failover.targets": { "fatal-xid": 10, "engine-hang": 20 } }).budget).toHaveLength(4);
  });
});
