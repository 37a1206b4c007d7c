import { expect, test } from "vitest";
import { joinGroup } from "../../src/emulator/engine/group.ts";
import type { EngineSettings } from "../../src/emulator/engine/settings.ts";

test("a leader whose name still leads to another server waits for its own address, as long as --dist-timeout", async () => {
  const elsewhere = { host: "192.0.2.1", port: 20_000 };
  const settings = { nnodes: 2, nodeRank: 0, dist: elsewhere, distTimeoutMs: 500 } as EngineSettings;
  const events = { onBroken: () => {}, onShutdown: () => {}, localStep: async () => {} };
  const beganMs = performance.now();
  await expect(joinGroup(settings, events)).rejects.toThrow(/failed to listen .* port: 20000, EADDRNOTAVAIL/);
  expect(performance.now() - beganMs).toBeGreaterThan(490);
});
