import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { countPending, hasState, machinesInState } from "../../../src/infra/stack/stack-state.ts";

const before = process.env.TANDEM_HOME;
beforeEach(() => {
  process.env.TANDEM_HOME = mkdtempSync(join(tmpdir(), "tandem-state-"));
});
afterEach(() => {
  rmSync(process.env.TANDEM_HOME ?? "", { recursive: true });
  if (before === undefined) delete process.env.TANDEM_HOME;
  else process.env.TANDEM_HOME = before;
});

/** A checkpoint as Pulumi's file backend writes it. */
function store(latest: object): void {
  const folder = join(process.env.TANDEM_HOME ?? "", "stacks/s/state/.pulumi/stacks/tandem");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "s.json"), JSON.stringify({ version: 3, checkpoint: { latest } }));
}

const resource = (type: string, name: string) => ({
  type,
  urn: `urn:pulumi:s::tandem::tandem:infra:Cluster$${type}::${name}`,
});

test("a stack that never ran has nothing", async () => {
  expect([await hasState("s"), await countPending("s"), await machinesInState("s")]).toEqual([false, 0, []]);
});

test("machines are known by what Pulumi made, not by what a spec asks for", async () => {
  store({
    resources: [
      resource("tandem:index:LocalMachine", "gpu-a"),
      resource("tandem:index:PreparedServer", "gpu-a"),
      resource("tandem:index:LocalMachine", "cp-1"),
    ],
    pending_operations: [{ type: "creating" }],
  });
  expect(await machinesInState("s")).toEqual(["gpu-a", "cp-1"]);
  expect([await hasState("s"), await countPending("s")]).toEqual([true, 1]);
});
