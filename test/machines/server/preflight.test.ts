import { existsSync, readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import type { TandemError } from "../../../src/errors.ts";
import { error, warning } from "../../../src/machines/server/finding.ts";
import { here } from "../../../src/machines/server/here.ts";
import { assertFit, preflight } from "../../../src/machines/server/preflight.ts";
import { temporaryFolders } from "../../support/temporary-folder.ts";

const folders = temporaryFolders();
afterEach(() => {
  vi.unstubAllEnvs();
});

// Met on a small image with a GPU: `ss: command not found` was all that an operator was told.
test("a server without iproute2 is looked at all the same, and what it lacks is named", async () => {
  const folder = folders();
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

// Each server is judged by itself, while others are prepared.
test("the error for a server that is not fit speaks of that server alone", () => {
  const report = { server: "gpu-a", findings: [error("E_A", "a", "b", "c"), warning("W_A", "d", "e", "f")] };
  const thrown = (() => {
    try {
      assertFit(report, "tandem up prod.yaml");
    } catch (caught) {
      return caught as TandemError;
    }
  })();
  expect(thrown).toMatchObject({ code: "E_PREFLIGHT", what: "gpu-a is not fit" });
  expect(thrown?.why).toBe("\n  gpu-a: a: b\n    fix: c  [E_A]");
  expect(thrown?.fix).toBe("remove these causes, then run `tandem up prod.yaml`; nothing was changed on this server");
  expect(() => assertFit({ server: "gpu-a", findings: [warning("W_A", "d", "e", "f")] }, "tandem up")).not.toThrow();
});
