import { existsSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { here } from "../../../src/machines/server/here.ts";
import { preflight } from "../../../src/machines/server/preflight.ts";

const folder = mkdtempSync(join(tmpdir(), "preflight-test-"));
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

// Met on a small image with a GPU: `ss: command not found` was all that an operator was told.
test("a server without iproute2 is looked at all the same, and what it lacks is named", async () => {
  for (const bin of ["/usr/bin", "/bin", "/usr/sbin", "/sbin"])
    for (const name of existsSync(bin) ? readdirSync(bin) : [])
      if (!["ip", "ss"].includes(name) && !existsSync(join(folder, name)))
        symlinkSync(join(bin, name), join(folder, name));
  vi.stubEnv("PATH", folder);
  const wanted = { role: "gpu", address: "192.0.2.1", gpus: 0, peers: ["192.0.2.2"], ports: [8000] } as const;
  const { facts, findings } = await preflight(here(), wanted);
  expect(facts.kernel).not.toBe("");
  const codes = findings.map(({ code }) => code);
  expect(codes).toContain("E_IPROUTE");
  for (const blind of ["E_ADDRESS", "E_L2", "E_PORT_TAKEN"]) expect(codes).not.toContain(blind);
});
