import { writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { watchConditions } from "../../src/agent/watch-conditions.ts";
import type { Evidence } from "../../src/health/evidence.ts";
import { findingsOf } from "../../src/health/findings.ts";
import { play } from "../health/support.ts";
import { Machine } from "./agent-process.ts";

const ready = { type: "Ready", status: "True", reason: "KubeletReady" };
const deadlock = { type: "KernelDeadlock", status: "True", reason: "DockerHung" };

test("a condition whose writer is uninstalled is no finding any more, and one that comes back is one again", async () => {
  await using machine = new Machine();
  const path = machine.path("conditions.json");
  const said: Evidence[] = [];
  const told = async (conditions: object[]) => {
    const before = said.length;
    // It is read by this very process, and so never half-written.
    writeFileSync(path, JSON.stringify(conditions));
    await expect.poll(() => said.length, { timeout: 5_000 }).toBeGreaterThan(before);
    return said.slice(before);
  };
  writeFileSync(path, "[]");
  const source = watchConditions({
    path,
    emit: (evidence) => {
      if (evidence.kind === "condition") said.push(evidence);
    },
  });
  try {
    const minute = 60_000;
    const codes = () =>
      findingsOf(play("gpu-a", [...said.map((one) => [0, one] as const), [minute, "beat"]]), minute).map(
        ({ code }) => code,
      );
    await told([ready, deadlock]);
    expect(codes()).toEqual(["node-condition"]);
    const gone = { kind: "condition", type: "KernelDeadlock", status: "Unknown", reason: "NoLongerOnTheNode" };
    expect(await told([ready])).toEqual([gone]);
    expect(codes()).toEqual([]);
    // Said once: what is not there is no news.
    expect(await told([{ ...ready, status: "False" }])).toEqual([{ kind: "condition", ...ready, status: "False" }]);
    expect(await told([{ ...ready, status: "False" }, deadlock])).toEqual([{ kind: "condition", ...deadlock }]);
  } finally {
    source.stop();
  }
});
