import { expect, test } from "vitest";
import type { GatewayHeard } from "../../src/reconciler/gateways.ts";
import { witnessesOf } from "../../src/reconciler/witnesses.ts";

const told = (heardMs: number, servers: GatewayHeard["said"]["servers"]) => ({
  heardMs,
  said: { servers } as GatewayHeard["said"],
});

test("of several gateways the one that heard a server last counts; a stream that was closed or never began tells nothing", () => {
  const found = witnessesOf([
    told(10_000, { "gpu-a": { stream: "open", silentMs: 200 }, "gpu-b": { stream: "open", silentMs: 4_000 } }),
    told(10_300, { "gpu-a": { stream: "closed", silentMs: 10 }, "gpu-b": { stream: "open", silentMs: 5_000 } }),
    told(10_400, { "gpu-c": { stream: "never", silentMs: null } }),
    told(10_500, {}),
  ]);
  expect(Object.fromEntries(found)).toEqual({ "gpu-a": { heardMs: 9_800 }, "gpu-b": { heardMs: 6_000 } });
});

test("of a gateway that is not heard any more the last word counts where no other has one", () => {
  const present = [told(10_000, { "gpu-a": { stream: "open", silentMs: 4_000 } })];
  const gone = [
    told(5_000, { "gpu-a": { stream: "open", silentMs: 100 }, "gpu-b": { stream: "open", silentMs: 100 } }),
  ];
  expect(Object.fromEntries(witnessesOf(present, gone))).toEqual({
    "gpu-a": { heardMs: 6_000 },
    "gpu-b": { heardMs: 4_900, isGone: true },
  });
});

test("of a gateway that is gone the last word counts, too, where it heard a server that those that are left had lost", () => {
  const present = [told(10_000, { "gpu-a": { stream: "open", silentMs: 4_000 } })];
  const gone = (heardMs: number) => [told(heardMs, { "gpu-a": { stream: "open", silentMs: 0 } })];
  expect(witnessesOf(present, gone(7_500)).get("gpu-a")).toEqual({ heardMs: 6_000 });
  expect(witnessesOf(present, gone(8_000)).get("gpu-a")).toEqual({ heardMs: 8_000, isGone: true });
});
