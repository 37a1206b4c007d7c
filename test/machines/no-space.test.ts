import { openSync, writeSync } from "node:fs";
import { expect, test } from "vitest";
import { TandemError } from "../../src/errors.ts";
import { noSpace } from "../../src/machines/no-space.ts";

const init = { code: "E_APT", what: "Debian packages could not be fetched", fix: "check `apt-get update`" };

test.runIf(process.platform === "linux")("a write to a full device is told as one", () => {
  try {
    writeSync(openSync("/dev/full", "w"), "x");
    expect.unreachable();
  } catch (error) {
    const told = noSpace(error, "stack s was not updated", "/home/t");
    expect(told?.code).toBe("E_NO_SPACE");
    expect(told?.message).toContain("stack s was not updated: the disk of /home/t is full (ENOSPC");
    expect(told?.fix).toContain("df -h /home/t");
  }
});

test.each([
  ["apt", new TandemError({ ...init, why: "E: Error writing to file - write (28: No space left on device)" })],
  ["Go", Object.assign(new Error("exit 1"), { stderr: "# pkg\nwrite /tmp/x: no space left on device\n" })],
])("%s is seen through", (_who, error) => {
  expect(noSpace(error, "w", "/f")?.why).toMatch(/no space left on device/i);
});

test.each([[new TandemError({ ...init, why: "no route to host" })], [new Error("x")], [undefined], ["text"]])(
  "%s is something else",
  (error) => {
    expect(noSpace(error, "w", "/f")).toBeUndefined();
  },
);
