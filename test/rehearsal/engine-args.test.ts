import { expect, test } from "vitest";
import { engineArgs } from "../../src/drill/world/engine-args.ts";
import { localPlan } from "../support/rehearsal-session.ts";

test("the plan's own command line, with nothing but places changed", () => {
  const planned = localPlan("deepseek-v3").launch.worker.args;
  const args = engineArgs(planned, { nodeRank: 1, httpPort: 12_345, distPort: 23_456 });
  const changed = planned
    .slice(1)
    .flatMap((word, at) => (word === args[at] ? [] : [`${planned[at]} ${word} -> ${args[at]}`]));
  expect(changed).toEqual([
    "--host 0.0.0.0 -> 127.0.0.1",
    "--port 8000 -> 12345",
    "--node-rank $(LWS_WORKER_INDEX) -> 1",
    "--dist-init-addr $(LWS_LEADER_ADDRESS):20000 -> 127.0.0.1:23456",
  ]);
  expect(args.join(" ")).not.toContain("$(");
  expect(args.slice(0, 2)).toEqual(["-m", "sglang.launch_server"]);
});
